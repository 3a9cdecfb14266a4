"""A view of a job in words: the figure, its outfit, how it stands and is seen, and what is behind it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fashquick_common.garment import Category
from fashquick_generation.diffusion.wording.garments import Allows, Described, article, described, listed
from fashquick_generation.diffusion.wording.words import Camera, FigureWords, Gender, words
from fashquick_generation.engine import Backdrop, BackdropKind, Figure, Framing, GenerationJob, Phenotype, View
from fashquick_generation.studio.figure.companions import LOWER, Companion, companions_for
from fashquick_generation.studio.figure.phenotypes import phenotype_of
from fashquick_generation.studio.figure.poses import POSES

CAMERAS = (
    (20.0, Camera.FRONT),
    (65.0, Camera.THREE_QUARTER),
    (115.0, Camera.SIDE),
    (160.0, Camera.THREE_QUARTER_BACK),
    (180.0, Camera.BACK),
)
"""Largest turn in degrees, to either side, at which the figure is seen so."""
GENDERS = ((0.4, Gender.MASCULINE), (0.6, Gender.NEUTRAL), (1.0, Gender.FEMININE))
AGES = ((0.35, "young"), (0.7, "middle"), (1.0, "older"))
BUILDS = ((0.18, "slender"), (0.58, "usual"), (0.82, "full"), (1.0, "large"))
STATURES = ((0.15, "short"), (0.85, "usual"), (1.0, "tall"))
"""Largest values of a `Phenotype` for each word."""
ATHLETIC = 0.75
"""Muscle from which a body of usual weight is called so."""
LONG = frozenset({Category.DRESS, Category.COAT})
"""Garments of the upper body that reach the legs."""
LOWER_COMPANIONS = frozenset({Companion.TROUSERS, Companion.LEGGINGS})


def slots_of(job: GenerationJob, view: View, allows: Allows) -> dict[str, str]:
    """What the templates of `prompts.json` are filled with; empty where there is nothing to say.

    Args:
        job: What is pictured; its body is a known one.
        view: One of its views.
        allows: Whether a phrase may be said.

    Raises:
        BadField: The body is unknown.
    """
    say, camera, framing = words(), _camera(view), _framing(job, view)
    body = phenotype_of(job.figure)
    behind = camera in {Camera.BACK, Camera.THREE_QUARTER_BACK}
    worn = [described(garment, behind=behind, allows=allows) for garment in job.garments]
    return {
        "figure": _person(body, say.figure),
        "outfit": _outfit(worn),
        "details": _details(worn),
        "camera": say.cameras[camera],
        "framing": say.framings[framing],
        "pose": say.poses.get(view.pose, ""),
        "backdrop": _backdrop(job.backdrop),
        "looks": listed([word for word in _looks(job.figure, body, say.figure) if word and allows(word)]),
        "companions": _companions(job, framing, allows),
        "gaze": "" if framing is Framing.LOWER else say.gazes.get(camera, ""),
    }


def _camera(view: View) -> Camera:
    """How the figure is seen, its own turn counted in."""
    pose = POSES.get(view.pose)
    turned = 0.0 if pose is None else pose.turns.get("root", (0.0, 0.0, 0.0))[2]
    turned += view.angles.get("root", (0.0, 0.0, 0.0))[2]
    away = abs((view.yaw_degrees - turned + 180) % 360 - 180)
    return Camera(_first(CAMERAS, away))


def _framing(job: GenerationJob, view: View) -> Framing:
    """How much of the figure is seen; where the studio decides, what it most likely decides."""
    if view.framing is not Framing.AUTO:
        return view.framing
    kinds = {garment.passport.category for garment in job.garments}
    if kinds <= LOWER:
        return Framing.LOWER
    return Framing.FULL if kinds & (LOWER | LONG) else Framing.UPPER


def _outfit(worn: Sequence[Described]) -> str:
    """Garments, the outermost first: what covers the others is seen most."""
    upper = [garment.phrase for garment in reversed(worn) if garment.upper]
    lower = [garment.phrase for garment in reversed(worn) if not garment.upper]
    return listed([part for part in (" over ".join(upper), " over ".join(lower)) if part])


def _details(worn: Sequence[Described]) -> str:
    """What the garments have besides, each garment's together; of which one is clear where there is but one."""
    return ", ".join(
        f"{garment.noun if len(worn) > 1 else ''} with {listed(garment.details)}".strip()
        for garment in reversed(worn)
        if garment.details
    )


def _person(body: Phenotype, say: FigureWords) -> str:
    gender, age, weight, muscle = (value or 0.0 for value in (body.gender, body.age, body.weight, body.muscle))
    who = say.people[_first(GENDERS, gender)]
    build = _first(BUILDS, weight)
    if build == "usual" and muscle > ATHLETIC:
        build = "athletic"
    text = say.noun.format(build=say.builds[build], person=who["person"], age=who["age"])
    return article(f"a {' '.join(text.format(say.ages[_first(AGES, age)]).split())}")


def _first(steps: Sequence[tuple[float, str]], value: float) -> str:
    """The name of the first step that reaches a value, of which the last reaches all."""
    return next(name for most, name in steps if value <= most)


def _looks(figure: Figure, body: Phenotype, say: FigureWords) -> tuple[str, ...]:
    return say.statures[_first(STATURES, body.height or 0.0)], say.skins.get(figure.finish, "")


def _companions(job: GenerationJob, framing: Framing, allows: Allows) -> str:
    """The studio's own plain garments, as far as the picture shows them."""
    kinds = [garment.passport.category for garment in job.garments]
    worn = companions_for([kind for kind in kinds if kind is not None])
    seen = {
        Framing.UPPER: {Companion.TOP, *LOWER_COMPANIONS},
        Framing.LOWER: {*LOWER_COMPANIONS, Companion.SHOES},
    }.get(framing, set(Companion))
    say = words().companions
    return ", ".join(say[name] for name in Companion if name in worn & seen and allows(say[name]))


def _backdrop(backdrop: Backdrop) -> str:
    text = words().backdrops[backdrop.kind]
    if backdrop.kind not in {BackdropKind.COLOUR, BackdropKind.GRADIENT}:
        return text
    top, bottom = _colour_name(backdrop.top), _colour_name(backdrop.bottom)
    if backdrop.kind is BackdropKind.GRADIENT and top == bottom:
        text = words().backdrops[BackdropKind.COLOUR]
    return text.format(top=top, bottom=bottom)


def _colour_name(srgb: tuple[int, int, int]) -> str:
    """The nearest of the backdrops' colours in CIE L*a*b*."""
    known = words().backdrop_colours
    shades = np.array([srgb, *known.values()], np.float32)[None] / 255
    lab = np.asarray(cv2.cvtColor(shades, cv2.COLOR_RGB2LAB), np.float32)[0]
    return list(known)[int(np.linalg.norm(lab[1:] - lab[0], axis=1).argmin())]

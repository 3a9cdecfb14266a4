from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings

from fashquick_common.errors import BadField
from fashquick_common.garment import (
    Answer,
    Box,
    Category,
    CategoryGuess,
    ColourRole,
    Front,
    Geometry,
    LegLength,
    Neckline,
    PaletteColour,
    Passport,
    Pattern,
    PatternGuess,
    PatternKind,
    Print,
    Repeat,
    SleeveLength,
    TextLine,
    Texture,
    TextureClass,
    TextureGuess,
)
from fashquick_generation.diffusion.stages.prompts import Prompts, check_wishes, prompts_for
from fashquick_generation.diffusion.wording import words
from fashquick_generation.diffusion.wording.garments import LEAST_SHARE
from fashquick_generation.engine import (
    Backdrop,
    BackdropKind,
    Figure,
    Fit,
    Framing,
    GarmentInput,
    GenerationJob,
    Phenotype,
    View,
)
from fashquick_generation.studio.figure.finishes import FINISHES
from fashquick_generation.studio.figure.phenotypes import PRESETS
from fashquick_generation.studio.figure.poses import POSES
from fashquick_generation.wishes import PromptWishes, RegionKind
from tests.support.garments import SHIRT_PASSPORT

NO_WISHES = PromptWishes()
CONTENT = json.loads(words.FILE.read_text())
SCHEMA = json.loads(words.FILE.with_name("prompts.schema.json").read_text())
PHOTO = np.zeros((8, 8, 3), np.uint8)


def passport(
    category: Category,
    *colours: tuple[str, float, ColourRole | None],
    kind: PatternKind | None = None,
    sure: float = 0.9,
) -> Passport:
    palette = tuple(PaletteColour((0, 0, 0), (0.0, 0.0, 0.0), share, name, role) for name, share, role in colours)
    pattern = None if kind is None else Pattern((PatternGuess(kind, sure),), ())
    return Passport((CategoryGuess(category, 1.0),), {}, palette, 8, 8, 0.5, pattern=pattern)


def build(
    sleeve: SleeveLength | None = None,
    leg: LegLength | None = None,
    neckline: Neckline | None = None,
    front: Front | None = None,
    sure: float = 0.9,
) -> Geometry:
    answers = (Answer(value, sure) for value in (sleeve, leg, neckline, front))
    return Geometry(*answers, (), 0.0, 1.0)


def job_of(*worn: Passport, fit: Fit | None = None, **changes: object) -> GenerationJob:
    garments = tuple(GarmentInput(PHOTO, PHOTO[..., 0], found, fit) for found in worn)
    return replace(GenerationJob(garments), **changes)


def prompts(job: GenerationJob, view: View | None = None, wishes: PromptWishes = NO_WISHES) -> Prompts:
    return prompts_for(job, view or View(), wishes)


def everything(found: Prompts) -> list[str]:
    return [found.positive, found.negative, *found.regions.values()]


NAVY_STRIPES = replace(
    passport(Category.LONG_SLEEVE, ("white", 0.6, None), ("navy", 0.4, None), kind=PatternKind.STRIPES),
    pattern=Pattern((PatternGuess(PatternKind.STRIPES, 0.9),), (Repeat(9.0, 0.03, 178.0, 0.5, 0.9),)),
    geometry=build(sleeve=SleeveLength.LONG, neckline=Neckline.CREW),
)
LETTERED = replace(
    passport(
        Category.T_SHIRT,
        ("charcoal", 0.85, ColourRole.GROUND),
        ("white", 0.12, ColourRole.PRINT),
        ("red", 0.03, ColourRole.TRIM),
        kind=PatternKind.GRAPHIC,
    ),
    prints=(Print(Box(2, 2, 3, 2), 0.1, 0.9, (TextLine("BUY NOW", Box(2, 2, 3, 1), 0.9),)),),
)
CAMEL_COAT = replace(
    passport(Category.COAT, ("camel", 1.0, None), kind=PatternKind.SOLID),
    geometry=build(sleeve=SleeveLength.LONG, neckline=Neckline.COLLAR, front=Front.OPEN),
)
JEANS = replace(
    passport(Category.TROUSERS, ("denim blue", 1.0, None), kind=PatternKind.SOLID),
    texture=Texture((TextureGuess(TextureClass.DENIM, 0.9),), 0.1, 0.1, 0.0, 0.1, 0.0),
    geometry=build(leg=LegLength.FULL),
)
FLORAL_DRESS = replace(
    passport(
        Category.DRESS,
        ("cream", 0.55, ColourRole.GROUND),
        ("coral", 0.25, ColourRole.PRINT),
        ("olive", 0.15, ColourRole.PRINT),
        ("mustard", 0.05, ColourRole.PRINT),
        kind=PatternKind.FLORAL,
    ),
    geometry=build(sleeve=SleeveLength.NONE, neckline=Neckline.V),
)
LIGHT = "fashion catalogue photograph, soft even studio light, natural fabric folds, sharp focus"


@pytest.mark.parametrize(
    ("job", "view", "positive"),
    [
        (
            job_of(NAVY_STRIPES),
            View(framing=Framing.UPPER),
            "studio photograph of an adult woman in her late twenties wearing a white and navy striped long-sleeved "
            "T-shirt, with a crew neck and horizontal stripes, seen from the front, upper body, head to hips, "
            f"standing relaxed, arms at the sides, plain light grey background, plain dark trousers, {LIGHT}",
        ),
        (
            job_of(LETTERED, figure=Figure("man", finish="chestnut"), backdrop=Backdrop(BackdropKind.WHITE)),
            View(pose="walk"),
            "studio photograph of an adult man in his late twenties wearing a charcoal T-shirt, with white "
            "printed lettering on the front and red trim, seen from the front, full body, head to toe, walking, plain "
            f"white background, brown skin, plain dark trousers, plain white shoes, {LIGHT}",
        ),
        (
            job_of(LETTERED),
            View(yaw_degrees=180.0),
            "studio photograph of an adult woman in her late twenties wearing a charcoal T-shirt, with red "
            "trim, seen from behind, full body, head to toe, standing relaxed, arms at the sides, plain light grey "
            f"background, plain dark trousers, plain white shoes, {LIGHT}",
        ),
        (
            job_of(NAVY_STRIPES, CAMEL_COAT, JEANS, figure=Figure(phenotype=Phenotype(age=0.9, height=0.95))),
            View(yaw_degrees=-40.0),
            "studio photograph of an adult woman in her sixties wearing a plain camel long-sleeved coat over a white "
            "and navy striped long-sleeved T-shirt and plain denim blue full-length denim trousers, coat with a collar "
            "and an open front, long-sleeved T-shirt with a crew neck and horizontal stripes, three-quarter view, "
            f"full body, head to toe, standing relaxed, arms at the sides, plain light grey background, tall, plain "
            f"white shoes, {LIGHT}",
        ),
        (
            job_of(
                FLORAL_DRESS,
                figure=Figure("curvy"),
                backdrop=Backdrop(BackdropKind.GRADIENT, (168, 200, 228), (250, 250, 250)),
            ),
            View(pose="hand-on-hip", framing=Framing.AUTO),
            "studio photograph of a full-figured adult woman in her late twenties wearing a cream, coral and olive "
            "floral sleeveless dress, with a V-neck and touches of mustard, seen from the front, full body, head "
            "to toe, standing, one hand on the hip, background fading from light blue to white, plain dark leggings, "
            f"plain white shoes, {LIGHT}",
        ),
        (
            job_of(JEANS, fit=Fit.OVERSIZE),
            View(framing=Framing.LOWER, pose="three-quarter"),
            "studio photograph of an adult woman in her late twenties wearing oversized plain denim blue full-length "
            "denim trousers, three-quarter view, lower body, waist to feet, standing, body slightly turned, plain "
            f"light grey background, plain white shoes, {LIGHT}",
        ),
    ],
)
def test_a_stylist_would_say_it_so(job: GenerationJob, view: View, positive: str) -> None:
    assert prompts(job, view).positive == positive


def test_the_words_have_the_form_of_their_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(CONTENT, SCHEMA)
    assert words.words().poses.keys() == POSES.keys()
    assert words.words().figure.skins.keys() <= FINISHES.keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("positive", []),
        ("positive", ["a\nline"]),
        ("cameras", {"front": "seen from the front"}),
        ("backdrop_colours", {"white": [256, 0, 0]}),
        ("further", "words"),
        ("never", "child"),
    ],
)
def test_a_mistake_in_the_words_is_refused(tmp_path: Path, key: str, value: object) -> None:
    wrong = CONTENT | {key: value}
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(wrong)
    (tmp_path / "prompts.json").write_text(json.dumps(wrong))
    with pytest.raises(BadField, match=key):
        words.read_words(tmp_path / "prompts.json")


NAMES = st.sampled_from(("navy", "off-white", "light grey", "dusty pink", "royal blue", "camel"))
SHARES = st.sampled_from((0.01, 0.05, 0.3, 0.8))
SURE = st.sampled_from((0.2, 0.9))


def answers(values):
    return st.builds(Answer, st.none() | st.sampled_from(values), SURE)


def palettes(names):
    colours = st.tuples(names, SHARES, st.none() | st.sampled_from(ColourRole))
    return st.lists(colours, max_size=8).map(lambda found: passport(Category.SHIRT, *found).palette)


def worn(names: st.SearchStrategy[str]) -> st.SearchStrategy[Passport]:
    """Passports with all that is put into words."""
    box = Box(1, 1, 2, 2)
    return st.builds(
        replace,
        st.just(SHIRT_PASSPORT),
        categories=st.sampled_from(Category).map(lambda kind: (CategoryGuess(kind, 0.4),)) | st.just(()),
        palette=palettes(names),
        pattern=st.none()
        | st.builds(
            Pattern,
            st.builds(PatternGuess, st.sampled_from(PatternKind), SURE).map(lambda guess: (guess,)),
            st.sampled_from(SHIRT_PASSPORT.pattern.repeats).map(lambda repeat: (repeat,)) | st.just(()),
        ),
        geometry=st.none()
        | st.builds(
            Geometry,
            *(answers(values) for values in (SleeveLength, LegLength, Neckline, Front)),
            st.just(()),
            st.just(0.0),
            st.just(1.0),
        ),
        prints=st.sampled_from(
            ((), (Print(box, 0.1, 0.9),), (Print(box, 0.1, 0.9, (TextLine("NEW YORK", box, 1.0),)),))
        ),
    )


@settings(max_examples=60, deadline=None)
@given(worn(NAMES), st.sampled_from(Framing))
def test_every_prompt_has_the_palette_and_the_category(found: Passport, framing: Framing) -> None:
    said = prompts(job_of(found), View(framing=framing))
    for colour in found.palette:
        assert colour.share < LEAST_SHARE or colour.name in said.positive
    if found.category is not None:
        noun = CONTENT["garments"]["categories"][found.category].replace("{}", "").removeprefix("a ").strip()
        for text in (said.positive, said.regions[RegionKind.GARMENT]):
            assert noun in text
    assert said == prompts(job_of(found), View(framing=framing))


@settings(max_examples=60, deadline=None)
@given(worn(st.text(max_size=20)), st.sampled_from(tuple(POSES)), st.floats(-180, 180), st.sampled_from(tuple(PRESETS)))
def test_every_passport_gives_whole_clean_prompts(found: Passport, pose: str, yaw: float, body: str) -> None:
    said = prompts(job_of(found, SHIRT_PASSPORT, figure=Figure(body)), View(pose, yaw_degrees=yaw))
    for text in everything(said):
        assert text.isprintable()
        assert "{" not in text
        assert "  " not in text
        assert ", ," not in text
        assert len(text.encode()) < 8000
    assert "adult" in said.positive
    assert {"child", "teenager"} <= set(said.negative.split(", "))
    assert "NEW YORK" not in said.positive


phrase_texts = st.sampled_from(
    (
        "navy",
        "T-shirt",
        "studio photograph",
        "Sharp  Focus",
        "seen from the front",
        "of",
        "white and",
        "blurry",
        "and navy",
    )
)


@given(st.lists(phrase_texts, max_size=6), st.text("navy blurry,of ", max_size=40))
def test_nothing_that_was_vetoed_is_said(vetoed: list[str], added: str) -> None:
    wishes = PromptWishes(add=added, add_negative=added, veto=tuple(vetoed))
    for text in everything(prompts(job_of(NAVY_STRIPES), None, wishes)):
        padded = " ".join(f" {text} ".replace(",", " ,").lower().split(" "))
        for phrase in vetoed:
            assert f" {' '.join(phrase.lower().split())} " not in padded
        assert text


def test_a_veto_takes_whole_phrases_and_leaves_tidy_words() -> None:
    wishes = PromptWishes(add="a nav bar, red shoes", veto=("NAVY", "sharp focus", "standing relaxed", "mannequin"))
    said = prompts(job_of(NAVY_STRIPES), None, wishes)
    assert "wearing a white striped long-sleeved T-shirt" in said.positive
    assert said.positive.endswith("natural fabric folds, a nav bar, red shoes")
    assert ", arms at the sides," in said.positive
    assert "mannequin" not in said.negative


def test_wishes_add_and_replace() -> None:
    job = job_of(NAVY_STRIPES)
    added = prompts(job, None, PromptWishes(add="autumn (leaves:1.4)", add_negative="rain"))
    assert added.positive == f"{prompts(job).positive}, autumn (leaves:1.4)"
    assert added.negative == f"{prompts(job).negative}, rain"
    replaced = prompts(job, None, PromptWishes(replace="a grey-haired man at the sea", replace_negative="fog"))
    assert replaced.positive == "a grey-haired man at the sea, adult"
    assert replaced.negative == "fog, child, teenager, underage, nudity"
    assert not replaced.regions


@pytest.mark.parametrize(
    ("wishes", "field", "says"),
    [
        (PromptWishes(add="x" * 100_000), "prompt.add", "100000 bytes"),
        (PromptWishes(replace="ü" * 1001), "prompt.replace", "2002 bytes"),
        (PromptWishes(add_negative="a\nb"), "prompt.add_negative", r"U\+000A"),
        (PromptWishes(replace_negative="a\x00b"), "prompt.replace_negative", r"U\+0000"),
        (PromptWishes(add="right\u202eleft"), "prompt.add", r"U\+202E"),
        (PromptWishes(add="in\u200bvisible"), "prompt.add", r"U\+200B"),
        (PromptWishes(veto=(" ",)), "prompt.veto", "empty"),
        (PromptWishes(veto=("x",) * 33), "prompt.veto", "33 phrases"),
        (PromptWishes(veto=("Adult woman",)), "prompt.veto", "always"),
        (PromptWishes(veto=("child",)), "prompt.veto", "always"),
        (PromptWishes(add="a Teenage look"), "prompt.add", "adults"),
        (PromptWishes(replace="\uff4e\uff41\uff4b\uff45\uff44"), "prompt.replace", "dressed"),
    ],
)
def test_wishes_that_cannot_be_fulfilled_are_refused(wishes: PromptWishes, field: str, says: str) -> None:
    with pytest.raises(BadField, match=says) as refused:
        check_wishes(wishes)
    assert refused.value.field == field


def test_a_colour_with_a_name_that_no_prompt_may_have_is_not_named() -> None:
    found = passport(Category.T_SHIRT, ("Naked", 0.6, None), ("white", 0.4, None))
    for text in everything(prompts(job_of(found))):
        assert "naked" not in text.lower()


def test_unsure_answers_are_left_out() -> None:
    sure, unsure = (
        replace(
            passport(Category.SHIRT, ("white", 1.0, None), kind=PatternKind.CHECK, sure=sure),
            geometry=build(sleeve=SleeveLength.SHORT, neckline=Neckline.HIGH, sure=sure),
        )
        for sure in (0.9, 0.3)
    )
    assert "a white checked short-sleeved shirt, with a high neck" in prompts(job_of(sure)).positive
    assert "wearing a white shirt, seen" in prompts(job_of(unsure)).positive


@pytest.mark.parametrize(
    ("angle", "share", "said"),
    [
        (92.0, 0.01, "narrow vertical stripes"),
        (45.0, 0.04, "diagonal stripes"),
        (3.0, 0.1, "wide horizontal stripes"),
    ],
)
def test_stripes_are_told_by_direction_and_width(angle: float, share: float, said: str) -> None:
    pattern = Pattern((PatternGuess(PatternKind.STRIPES, 0.9),), (Repeat(9.0, share, angle, 0.5, 0.9),))
    assert said in prompts(job_of(replace(NAVY_STRIPES, pattern=pattern))).positive


def test_only_what_is_plain_is_kept_free_of_prints() -> None:
    assert "logo" in prompts(job_of(CAMEL_COAT)).negative
    assert "logo" not in prompts(job_of(CAMEL_COAT, LETTERED)).negative


@pytest.mark.parametrize(("yaw", "seen"), [(0.0, True), (100.0, True), (150.0, False), (-180.0, False)])
def test_a_face_is_described_only_where_one_is_seen(yaw: float, seen: bool) -> None:
    said = prompts(job_of(JEANS), View(yaw_degrees=yaw))
    assert (RegionKind.FACE in said.regions) is seen
    assert {RegionKind.GARMENT, RegionKind.HAND_LEFT, RegionKind.HAND_RIGHT} <= said.regions.keys()


@pytest.mark.parametrize(
    ("srgb", "name"),
    [((30, 30, 32), "black"), ((60, 100, 190), "blue"), ((250, 160, 190), "pink"), ((220, 200, 170), "beige")],
)
def test_backdrops_are_named_by_their_colour(srgb: tuple[int, int, int], name: str) -> None:
    said = prompts(job_of(JEANS, backdrop=Backdrop(BackdropKind.COLOUR, srgb)))
    assert f"plain {name} background" in said.positive

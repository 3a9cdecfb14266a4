"""Stage 2, prompts: what a picture should show and what not, in words, from what is known of it.

A text encoder reads 75 tokens at a time, and the first weigh most: so the figure and its garments come first, then how
they are seen, and the light last. Nothing in a prompt is read as markup: brackets and colons are characters.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fashquick_common.diffusion_limits import check_prompt, check_vetoes
from fashquick_common.errors import BadField
from fashquick_generation.diffusion.wording.garments import has_print
from fashquick_generation.diffusion.wording.scene import slots_of
from fashquick_generation.diffusion.wording.vetoes import Vetoes, phrases
from fashquick_generation.diffusion.wording.words import words
from fashquick_generation.engine import GenerationJob, View
from fashquick_generation.wishes import DiffusionRecord, PromptWishes, RegionKind

_REGIONS = {
    RegionKind.GARMENT: "garment",
    RegionKind.FACE: "face",
    RegionKind.HAND_LEFT: "hand",
    RegionKind.HAND_RIGHT: "hand",
}


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a picture should show and what not.

    Attributes:
        positive: What it should show, never empty.
        negative: What it should not, never empty.
        regions: What regions should show that have words of their own; the others have `positive`.
    """

    positive: str
    negative: str
    regions: Mapping[RegionKind, str]


def prompts_for(job: GenerationJob, view: View, wishes: PromptWishes) -> Prompts:
    """Put a view of a job into words; the same job and wishes, the same words.

    Args:
        job: What is pictured.
        view: One of its views.
        wishes: What the caller changes.

    Raises:
        BadField: As `check_wishes`; or the figure's body is unknown.
    """
    check_wishes(wishes)
    say, vetoes = words(), Vetoes(wishes.veto)
    # Colours have names that callers give.
    slots = slots_of(job, view, Vetoes((*wishes.veto, *say.refused)).allows)
    positive: Sequence[str] = [*_filled(say.positive, slots)]
    negative: Sequence[str] = [*say.never, *say.negative]
    if not any(has_print(garment.passport) for garment in job.garments):
        negative = [*negative, *say.negative_without_print]
    regions = {}
    for kind, name in _REGIONS.items():
        text = vetoes.applied(_filled(say.regions[name], slots), () if kind is RegionKind.GARMENT else say.always)
        if text and (kind is not RegionKind.FACE or slots["gaze"]):
            regions[kind] = text
    if wishes.replace:
        # It describes a picture that these words do not.
        positive, regions = [wishes.replace], {}
    if wishes.replace_negative:
        negative = [wishes.replace_negative]
    return Prompts(
        vetoes.applied([*positive, wishes.add], say.always),
        vetoes.applied([*negative, wishes.add_negative], say.never),
        regions,
    )


def prompts_again(prior: DiffusionRecord) -> tuple[str, str]:
    """Return what the garment of a picture that is repaired should show and what not, in the words of its record.

    A record comes from a caller: what holds of every picture is said again where it lacks it.

    Args:
        prior: How the picture was made; checked by `check_words`.
    """
    say, said = words(), Vetoes(())
    own = prior.region_prompts.get(RegionKind.GARMENT)
    positive = said.applied([prior.prompt], say.always) if own is None else own
    return positive, said.applied([prior.negative_prompt], say.never)


def check_wishes(wishes: PromptWishes) -> None:
    """Return if these wishes can be fulfilled.

    Raises:
        BadField: A text is longer than its limit or has control or invisible characters, a veto is empty, or a wish
            goes against what holds of every picture: that the figure is an adult and dressed.
    """
    check_vetoes(wishes.veto, "prompt.veto")
    for name in ("add", "add_negative", "replace", "replace_negative"):
        check_prompt(getattr(wishes, name), f"prompt.{name}")
    for name in ("add", "replace"):
        check_words(getattr(wishes, name), f"prompt.{name}")
    say = words()
    fixed = Vetoes((*say.always, *say.never))
    for phrase in wishes.veto:
        if not fixed.allows(phrase):
            raise BadField(
                f"prompt.veto has {phrase!r}; prompts always say that the figure is an adult and dressed, leave it out",
                field="prompt.veto",
            )


def check_words(text: str, field: str) -> None:
    """Return if a positive prompt, or a part of one, may come from a caller.

    Args:
        text: The words.
        field: Path of the field that has them.

    Raises:
        BadField: They go against what holds of every picture: that the figure is an adult and dressed.
    """
    refused = phrases(words().refused)
    found = refused and refused.search(unicodedata.normalize("NFKC", text))
    if found:
        raise BadField(
            f"{field} asks for {found.group()!r}; figures are always adults and dressed, leave it out", field=field
        )


def _filled(templates: Sequence[str], slots: Mapping[str, str]) -> Iterator[str]:
    """Templates with their slots filled, but for those that have an empty one."""
    for template in templates:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        if all(slots[name] for name in names):
            yield template.format_map(slots)

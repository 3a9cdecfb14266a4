"""Options of `fashquick try-on` for pictures of people, which diffusion makes from those of the mannequin."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fashquick_common.diffusion_limits import (
    MAX_CONTROL,
    MAX_GUIDANCE,
    MAX_REPAIRS,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
)

_PERSON, _WORDS, _REPAIRS = "Person (--backend diffusion)", "Words for the person's picture", "Garments that got lost"


def _number(low: float, high: float, words: str, panel: str = _PERSON) -> Any:
    return typer.Option(
        min=low, max=high, metavar=f"{low:g}...{high:g}", help=words, show_default=False, rich_help_panel=panel
    )


def _text(words: str, metavar: str = "TEXT", panel: str = _WORDS) -> Any:
    return typer.Option(metavar=metavar, help=words, show_default=False, rich_help_panel=panel)


def _switch(name: str, words: str) -> Any:
    return typer.Option(name, help=words, show_default=False, rich_help_panel=_PERSON)


Profile = Annotated[
    str,
    _text("Weights and pace: sd15-4gb for small GPUs, sd15-quality, or sd15-fast in few steps.", "NAME", _PERSON),
]
Steps = Annotated[int | None, _number(MIN_STEPS, MAX_STEPS, "More take longer and look finer.")]
Strength = Annotated[float | None, _number(0, 1, "How far it may leave the mannequin's picture: 0 not at all.")]
Guidance = Annotated[float | None, _number(MIN_GUIDANCE, MAX_GUIDANCE, "How closely it follows the words: 1 hardly.")]
Control = Annotated[float | None, _number(0, MAX_CONTROL, "How closely it follows body and pose: 0 not at all.")]
ColourPull = Annotated[float, _number(0, 1, "How strongly the garment's colours pull while it is made. Slower.")]
Upscale = Annotated[bool, _switch("--upscale", "Twice as wide and high, from at most 1024x1536.")]
Deterministic = Annotated[
    bool, _switch("--deterministic", "The same seed makes the same bytes on the same device. Slower.")
]
SafetyCheck = Annotated[bool, _switch("--safety-check", "Refuse a picture to which the safety checker objects.")]

Prompt = Annotated[
    str, _text("What else to see: 'in a park, evening light'. The garment is described without your help.")
]
Avoid = Annotated[str, _text("What not to see: 'hat, sunglasses'.")]
Vetoes = Annotated[list[str], _text("Words never to use, whoever wrote them; repeatable.")]
WholePrompt = Annotated[str, _text("All of what to see, in your words alone.")]
WholeAvoid = Annotated[str, _text("All of what not to see, in your words alone.")]

Floor = Annotated[float | None, _number(0, 1, "Make a garment again of which less survived. Usually 0.65.", _REPAIRS)]
Repairs = Annotated[int | None, _number(0, MAX_REPAIRS, "How often to try, keeping the best. Usually once.", _REPAIRS)]

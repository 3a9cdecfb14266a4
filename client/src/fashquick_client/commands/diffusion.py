"""What a try-on's options say of a picture by diffusion."""

from __future__ import annotations

from dataclasses import fields

import typer

from fashquick_client.options import BackendName, Diffusion
from fashquick_common.diffusion_limits import MAX_PROFILE_CHARS, check_prompt, check_vetoes
from fashquick_common.errors import BadField

_TEXTS = {
    "profile": "--profile",
    "extra_prompt": "--prompt",
    "extra_negative_prompt": "--avoid",
    "prompt": "--whole-prompt",
    "negative_prompt": "--whole-avoid",
}


def parse_diffusion(backend: BackendName, wishes: Diffusion) -> Diffusion | None:
    """Return what is wished of a picture by diffusion; None where another backend may make it.

    Early looks are left out: nobody sees them here.

    Args:
        backend: Who makes the picture.
        wishes: As they were typed.

    Raises:
        typer.BadParameter: A text is too long or has control characters, or something is wished of the studio that it
            cannot do.
    """
    for name, option in _TEXTS.items():
        _check_text(getattr(wishes, name), option)
    if len(wishes.profile) > MAX_PROFILE_CHARS:
        raise typer.BadParameter(f"no profile has more than {MAX_PROFILE_CHARS} characters", param_hint="--profile")
    try:
        check_vetoes(wishes.veto, "it")
    except BadField as error:
        raise typer.BadParameter(error.message, param_hint="--without-phrase") from error
    said = any(getattr(wishes, field.name) != field.default for field in fields(Diffusion) if field.name != "previews")
    if said and backend == "studio":
        raise typer.BadParameter(
            "the studio draws a mannequin and takes no wishes for a person; use --backend diffusion",
            param_hint="--backend",
        )
    return wishes if said or backend == "diffusion" else None


def _check_text(text: str, option: str) -> None:
    try:
        check_prompt(text, "it")
    except BadField as error:
        raise typer.BadParameter(error.message, param_hint=option) from error

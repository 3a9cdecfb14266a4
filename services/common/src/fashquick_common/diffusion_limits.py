"""The limits that `fashquick.generation.v1.DiffusionSettings` states, for whoever receives or makes one.

Limits are checked from a request's header, before a byte of its upload is read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fashquick_common.errors import BadField

MAX_PROFILE_CHARS = 64
MIN_STEPS = 1
MAX_STEPS = 100
MIN_GUIDANCE = 1.0  # No guidance at all.
MAX_GUIDANCE = 20.0  # Far beyond it colours burn out whatever the prompt says.
MAX_CONTROL = 2.0
MAX_PROMPT_BYTES = 2000  # About 400 words, of which CLIP reads 75 at a time.
MAX_RECORDED_BYTES = 16_000  # Of a prompt in a record: what is made from passports, and all that a caller may add.
MAX_VETOES = 32
MAX_VETO_BYTES = 200
MAX_UPSCALED_WIDTH_PX = 1024  # Before; twice that is the widest picture there is.
MAX_UPSCALED_HEIGHT_PX = 1536  # Likewise.
LATENT_PX = 8  # Pixels along a side that one latent stands for; pictures' sides are multiples of it.
MAX_REPAIRS = 4
DEFAULT_REPAIRS = 1
DEFAULT_FIDELITY_FLOOR = 0.65  # The least of what is graded CLOSE.
NUMBERS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "steps": (MIN_STEPS, MAX_STEPS),
        "strength": (0.0, 1.0),
        "guidance": (MIN_GUIDANCE, MAX_GUIDANCE),
        "control": (0.0, MAX_CONTROL),
        "colour_guidance": (0.0, 1.0),
    }
)
"""Least and largest value of each number, by its field's name."""
# Controls, marks that are not seen (they turn the direction of text), halves of surrogate pairs, line separators.
_REFUSED = ("Cc", "Cf", "Cs", "Zl", "Zp")


def check_prompt(text: str, field: str, most_bytes: int = MAX_PROMPT_BYTES) -> None:
    """Return if a text may be a prompt or a part of one.

    Args:
        text: The text; may be empty.
        field: Path of the field that has it.
        most_bytes: Most bytes of its UTF-8.

    Raises:
        BadField: It is too long, or has a control character, an invisible one or a line break.
    """
    size = len(text.encode(errors="surrogatepass"))  # A shell may hand over bytes that are no text.
    if size > most_bytes:
        raise BadField(f"{field} has {size} bytes, at most {most_bytes} are read; say it in fewer words", field=field)
    for place, character in enumerate(text):
        if unicodedata.category(character) in _REFUSED:
            raise BadField(
                f"{field} has the control character U+{ord(character):04X} at place {place}; write it in one line of "
                "plain text",
                field=field,
            )


def check_vetoes(phrases: Sequence[str], field: str) -> None:
    """Return if phrases may be kept out of the prompts.

    Raises:
        BadField: There are too many, or one is empty, too long or has a control character.
    """
    if len(phrases) > MAX_VETOES:
        raise BadField(f"{field} lists {len(phrases)} phrases, at most {MAX_VETOES} are read", field=field)
    for phrase in phrases:
        check_prompt(phrase, field, MAX_VETO_BYTES)
        if not phrase.strip():
            raise BadField(f"{field} has an empty phrase; leave it out", field=field)

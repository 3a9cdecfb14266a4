"""Phrases that are kept out of prompts, and what of a prompt nobody may keep out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_LINKS = "and|or|with|in|of|over|on|a|an|the"
_DANGLING = re.compile(rf"^(?:(?:and|or|with)\s+)+|(?:(?:^|\s+)(?:{_LINKS}))+$", re.IGNORECASE)
"""Words that link a phrase to another which is no longer there."""


def phrases(of: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds any of some phrases as whole words, in whatever case and spacing; None where there is none.

    Args:
        of: Phrases, none of them blank.
    """
    found = [r"\s+".join(map(re.escape, unicodedata.normalize("NFKC", phrase).split())) for phrase in of]
    # The longest first: a shorter one within it would leave the rest.
    found.sort(key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)", re.IGNORECASE) if found else None


class Vetoes:
    """Phrases that no prompt may have."""

    def __init__(self, vetoed: Sequence[str]) -> None:
        """Take the phrases, none of them blank."""
        self._pattern = phrases(vetoed)

    def allows(self, text: str) -> bool:
        """Whether a text has none of them."""
        return self._pattern is None or self._pattern.search(unicodedata.normalize("NFKC", text)) is None

    def applied(self, parts: Iterable[str], kept: Sequence[str]) -> str:
        """Parts of a prompt as one, without what is vetoed.

        Args:
            parts: In order; empty ones are left out.
            kept: Phrases that the prompt has in any case, none of which shares a word with a veto.
        """
        text = ", ".join(part.strip() for part in parts if part.strip())
        # What is left may stand together as another vetoed phrase.
        while not self.allows(text) and self._pattern is not None:
            text = _tidy(self._pattern.sub(" ", unicodedata.normalize("NFKC", text)))
        missing = [phrase for phrase in kept if Vetoes([phrase]).allows(text)]
        return ", ".join(part for part in (text, *missing) if part)


def _tidy(text: str) -> str:
    """Without double spaces, empty places between commas, and words that link to nothing."""
    pieces = (_DANGLING.sub("", " ".join(piece.split())).strip() for piece in text.split(","))
    return ", ".join(piece for piece in pieces if piece)

"""A measure that has nothing to say about a garment."""

from __future__ import annotations


class CannotTell(Exception):
    """The measure does not apply to this garment or cannot be taken from this picture; its text says why."""

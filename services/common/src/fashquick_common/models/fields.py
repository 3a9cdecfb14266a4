"""JSON of a user read with types: each value is checked where it is taken, and a mistake says where it is."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from fashquick_common.errors import BadField

_MAX_SHOWN = 60
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Fields:
    """An object of a JSON file.

    Every method raises BadField that names the file, the place in it, the value, and what is wanted.
    """

    def __init__(self, value: object, file: str, place: str = "") -> None:
        """Take a value that should be an object.

        Args:
            value: What was read.
            file: Name of the file, for messages.
            place: Where in it the value is, such as "profiles[0]"; empty at the top.
        """
        self._file, self._place = file, place
        if not isinstance(value, dict):
            self._refuse(place or "the file", value, "an object")
        self._values: dict[str, object] = value

    def only(self, *keys: str) -> None:
        """Refuse keys that are none of these."""
        for key in self._values:
            if key not in keys:
                self._refuse(self._at(key), key, f"one of {', '.join(keys)}")

    def text(self, key: str, pattern: re.Pattern[str], wanted: str) -> str:
        """Return a text that a pattern matches as a whole."""
        value = self._value(key)
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            self._refuse(self._at(key), value, wanted)
        return value

    def texts(self, key: str, pattern: re.Pattern[str], wanted: str, most: int) -> tuple[str, ...]:
        """Return a list of texts that a pattern matches as a whole, at least one and at most `most`."""
        items = self._list(key, most)
        if not items:
            self._refuse(self._at(key), items, "a list with something in it")
        for index, item in enumerate(items):
            if not isinstance(item, str) or pattern.fullmatch(item) is None:
                self._refuse(f"{self._at(key)}[{index}]", item, wanted)
        return tuple(str(item) for item in items)

    def wholes(self, key: str, least: int, most: int, count: int) -> tuple[int, ...]:
        """Return a list of so many whole numbers within limits."""
        items = self._list(key, count)
        if len(items) != count or not all(type(item) is int and least <= item <= most for item in items):
            self._refuse(self._at(key), items, f"{count} whole numbers from {least} to {most}")
        return tuple(item for item in items if isinstance(item, int))

    def names(self) -> tuple[str, ...]:
        """Return the object's keys, in the file's order."""
        return tuple(self._values)

    def whole(self, key: str, least: int, most: int) -> int:
        """Return a whole number within limits."""
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._refuse(self._at(key), value, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        """Return a number within limits."""
        value = self._value(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            self._refuse(self._at(key), value, f"a number from {least:g} to {most:g}")
        return float(value)

    def choice(self, key: str, kind: type[E]) -> E:
        """Return one of some words."""
        return self._one_of(self._value(key), kind, self._at(key))

    def choices(self, key: str, kind: type[E]) -> tuple[E, ...]:
        """Return a list of such words."""
        items = enumerate(self._list(key, len(kind)))
        return tuple(self._one_of(item, kind, f"{self._at(key)}[{index}]") for index, item in items)

    def absent(self, key: str) -> bool:
        """Whether a value is null."""
        return self._value(key) is None

    def one_of(self, key: str, known: Mapping[str, T], what: str) -> T:
        """Return what a key of `known` stands for; `what` it is, for messages."""
        return self._known(self._value(key), known, what, self._at(key))

    def several_of(self, key: str, known: Mapping[str, T], what: str, most: int) -> tuple[T, ...]:
        """Return what a list of keys stands for, at least one and at most `most`."""
        items = self._list(key, most)
        if not items:
            self._refuse(self._at(key), items, f"at least one {what}")
        return tuple(self._known(item, known, what, f"{self._at(key)}[{index}]") for index, item in enumerate(items))

    def inner(self, key: str) -> Fields:
        """Return an object within this one."""
        return Fields(self._value(key), self._file, self._at(key))

    def each(self, key: str, most: int) -> tuple[Fields, ...]:
        """Return a list of objects, at least one and at most `most`."""
        items = self._list(key, most)
        if not items:
            self._refuse(self._at(key), items, "a list with something in it")
        return tuple(Fields(item, self._file, f"{self._at(key)}[{index}]") for index, item in enumerate(items))

    def named(self, key: str, pattern: re.Pattern[str], most: int) -> dict[str, Fields]:
        """Return objects by their names, at most `most`; none where the key is left out."""
        if key not in self._values:
            return {}
        inner = self.inner(key)
        if len(inner._values) > most:
            self._refuse(self._at(key), f"{len(inner._values)} of them", f"at most {most}")
        for name in inner._values:
            if pattern.fullmatch(name) is None:
                self._refuse(inner._at(name), name, "a name of letters, digits, points, hyphens and underscores")
        return {name: inner.inner(name) for name in inner._values}

    def wrong(self, key: str, value: object, wanted: str) -> NoReturn:
        """Refuse a value for a reason of the caller's."""
        self._refuse(self._at(key), value, wanted)

    def _value(self, key: str) -> object:
        if key not in self._values:
            raise BadField(f"{self._file}: {self._at(key)} is missing", field=self._at(key))
        return self._values[key]

    def _list(self, key: str, most: int) -> list[object]:
        value = self._value(key)
        if not isinstance(value, list) or len(value) > most:
            self._refuse(self._at(key), value, f"a list of at most {most}")
        return value

    def _one_of(self, value: object, kind: type[E], place: str) -> E:
        words = {word.value: word for word in kind}
        if not isinstance(value, str) or value not in words:
            self._refuse(place, value, f"one of {', '.join(words)}")
        return words[value]

    def _known(self, value: object, known: Mapping[str, T], what: str, place: str) -> T:
        if not isinstance(value, str) or value not in known:
            self._refuse(place, value, f"the key of a {what}; there are {', '.join(known) or 'none'}")
        return known[value]

    def _at(self, key: str) -> str:
        return f"{self._place}.{_shown(key)}" if self._place else _shown(key)

    def _refuse(self, place: str, value: object, wanted: str) -> NoReturn:
        raise BadField(f"{self._file}: {place} is {_shown(value)}, not {wanted}", field=place)


def read_fields(path: Path, most_bytes: int) -> Fields:
    """Read a JSON file that holds an object.

    Args:
        path: The file.
        most_bytes: A longer one is refused.

    Raises:
        BadField: It cannot be read, is no plain file, too long, no JSON, or names something twice.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("it is no file")
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise BadField(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > most_bytes:
        raise BadField(f"{path} has more than {most_bytes // 1024} KiB; such a file is shorter")
    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite
        )
    except (ValueError, RecursionError) as error:
        raise BadField(f"{path} is no JSON: {_shown(str(error))}") from error
    return Fields(value, str(path))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that can be used")
    return number


def _shown(value: object) -> str:
    """A value in a message: printable and short."""
    text = value if isinstance(value, str) else repr(value)[: 2 * _MAX_SHOWN]
    text = "".join(char if char.isprintable() else "\ufffd" for char in text[: 2 * _MAX_SHOWN])
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 4]} ..."

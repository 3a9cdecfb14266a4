"""What a message from outside has to pass, each with the error that says what was wrong."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from fashquick_common.errors import BadField
from fashquick_common.garment import Box

E = TypeVar("E", bound=StrEnum)
V = TypeVar("V", bound=int)
V_co = TypeVar("V_co", bound=int, covariant=True)

_ROUNDING = 1e-6  # Of 32-bit floats on their way.
_SUM_ROUNDING = 1e-3  # Of the sum of many of them.
_SHOWN_CHARS = 80  # Of a text in a message.
_BOX_SLACK_PX = 1.0  # Boxes that were turned with the garment are rounded to whole pixels.


class _Wire(Protocol[V_co]):
    """An enum of the contract, as protobuf makes it."""

    def keys(self) -> Sequence[str]: ...

    def Value(self, name: str) -> V_co: ...  # noqa: N802 - protobuf's name


class WireEnum(Generic[E, V]):
    """An enum of values and its numbers on the wire; every value must have a number there."""

    def __init__(self, values: type[E], wire: _Wire[V]) -> None:
        """Pair the names: `SleeveLength.LONG` is `SLEEVE_LENGTH_LONG`.

        Args:
            values: The values.
            wire: The enum of the contract, whose first name is `..._UNSPECIFIED`.

        Raises:
            ValueError: A value has no number.
        """
        unspecified = wire.keys()[0]
        prefix = unspecified.removesuffix("UNSPECIFIED")
        self._unspecified = wire.Value(unspecified)
        self._numbers = {value: wire.Value(prefix + value.name) for value in values}
        self._values: dict[int, E] = {number: value for value, number in self._numbers.items()}

    def number(self, value: E | None) -> V:
        """Return the number of a value; None is 0, unspecified."""
        return self._unspecified if value is None else self._numbers[value]

    def value(self, number: int) -> E | None:
        """Return the value of a number; None for 0 and for numbers of newer versions."""
        return self._values.get(number)


@dataclass(frozen=True, slots=True)
class Frame:
    """The photo that coordinates refer to: width and height in pixels."""

    width: int
    height: int


def number(value: float, low: float, high: float, field: str) -> float:
    """Return a number if it is one from `low` to `high`.

    Raises:
        BadField: It is not, or is not finite.
    """
    if not low <= value <= high:  # Also when it is not a number.
        raise BadField(f"{field} is {value}, it must be between {low:g} and {high:g}", field=field)
    return value


def share(value: float, field: str) -> float:
    """Return a number of 0 to 1; a little above 1 is rounding on the way.

    Raises:
        BadField: It is outside.
    """
    if not 0 <= value <= 1 + _ROUNDING:
        raise BadField(f"{field} is {value}, it must be between 0 and 1", field=field)
    return min(value, 1.0)


def shares_of_one(values: Iterable[float], field: str) -> None:
    """Return if numbers add up to at most 1.

    Raises:
        BadField: They add up to more, or one of them is not a number.
    """
    total = math.fsum(values)
    if not total <= 1 + _SUM_ROUNDING:
        raise BadField(f"{field} add up to {total:.4f}, at most 1 is possible", field=field)


def degrees(value: float, field: str) -> float:
    """Return the direction of a line, 0 to 180 degrees.

    Raises:
        BadField: It is outside.
    """
    return number(value, 0, 180, field)


def count(items: Collection[object], most: int, field: str) -> None:
    """Return if there are not too many of something.

    Raises:
        BadField: There are.
    """
    if len(items) > most:
        raise BadField(f"{field} has {len(items)} entries, at most {most} are allowed", field=field)


def text(value: str, most: int, field: str) -> str:
    """Return a text if it is not too long.

    Raises:
        BadField: It is.
    """
    if len(value) > most:
        raise BadField(
            f"{field} has {len(value)} characters, at most {most} are allowed: {value[:_SHOWN_CHARS]!r}...", field=field
        )
    return value


def distinct(values: Iterable[str], field: str) -> None:
    """Return if no value comes twice.

    Raises:
        BadField: One does.
    """
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BadField(f"{str(value)[:_SHOWN_CHARS]!r} comes twice in {field}", field=field)
        seen.add(value)


def box(value: Box, frame: Frame, field: str) -> Box:
    """Return a box if it lies on the photo.

    Raises:
        BadField: It does not, or has no extent.
    """
    inside = (
        value.x >= -_BOX_SLACK_PX
        and value.y >= -_BOX_SLACK_PX
        and value.width > 0
        and value.height > 0
        and value.x + value.width <= frame.width + _BOX_SLACK_PX
        and value.y + value.height <= frame.height + _BOX_SLACK_PX
    )
    if not inside:  # Also when one of its numbers is none.
        raise BadField(
            f"{field} has the left upper corner ({value.x}, {value.y}) and the size {value.width} x {value.height}, "
            f"which is no box on its photo of {frame.width} x {frame.height} pixels",
            field=field,
        )
    return value

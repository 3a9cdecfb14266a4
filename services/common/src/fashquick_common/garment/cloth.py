"""What is on a garment's cloth and what the cloth is like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PatternKind(StrEnum):
    """What is on the cloth, as in `fashquick.garment.v1.PatternKind`."""

    SOLID = "solid"
    STRIPES = "stripes"
    CHECK = "check"
    DOTS = "dots"
    FLORAL = "floral"
    GRAPHIC = "graphic"
    ALLOVER = "allover"
    COLOURBLOCK = "colourblock"


class TextureClass(StrEnum):
    """What the cloth is like, as in `fashquick.garment.v1.TextureClass`."""

    SMOOTH = "smooth"
    KNIT = "knit"
    RIBBED = "ribbed"
    DENIM = "denim"
    QUILTED = "quilted"
    LEATHER = "leather"
    FLEECE = "fleece"
    LACE = "lace"
    CORDUROY = "corduroy"


class TextReading(StrEnum):
    """Whether text was looked for, as in `fashquick.garment.v1.TextReading`."""

    NOT_READ = "not-read"
    READ = "read"


@dataclass(frozen=True, slots=True)
class PatternGuess:
    """One answer to what is on the cloth.

    Attributes:
        kind: The kind.
        confidence: 0 to 1; all guesses of a pattern add up to at most 1.
    """

    kind: PatternKind
    confidence: float


@dataclass(frozen=True, slots=True)
class Repeat:
    """One direction in which the cloth repeats.

    Attributes:
        period_px: Pixels of the photo from one repeat to the next, at right angles to the lines.
        period_share: The same as a part of the garment's length.
        angle_deg: Direction of the lines, counter-clockwise from the garment's horizontal, 0 to 180.
        duty: Part of a period that its darker band takes, 0 to 1.
        strength: How regular it is, 0 to 1.
    """

    period_px: float
    period_share: float
    angle_deg: float
    duty: float
    strength: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is on the cloth.

    Attributes:
        guesses: Likeliest first; empty when it cannot be told.
        repeats: Directions in which the cloth repeats, strongest first, at most two.
    """

    guesses: tuple[PatternGuess, ...]
    repeats: tuple[Repeat, ...]

    @property
    def kind(self) -> PatternKind | None:
        """The likeliest kind, or None."""
        return self.guesses[0].kind if self.guesses else None


@dataclass(frozen=True, slots=True)
class TextureGuess:
    """One answer to what the cloth is like.

    Attributes:
        texture_class: The class.
        confidence: 0 to 1; all guesses of a texture add up to at most 1.
    """

    texture_class: TextureClass
    confidence: float


@dataclass(frozen=True, slots=True)
class Texture:
    """What the cloth is like, measured with the light's changes taken out and the garment at one known size.

    Attributes:
        guesses: Likeliest first; empty when it cannot be told.
        coarseness: Size of the structure: 0 (as fine as can be seen) to 1 (a twentieth of the garment).
        directionality: 0 (the same in all directions) to 1 (lines).
        direction_deg: Direction of the lines, counter-clockwise from the garment's horizontal, 0 to 180.
        contrast: Difference between light and dark of the structure, 0 to 1.
        sheen: How far highlights stand out from the cloth, 0 (matt) to 1.
    """

    guesses: tuple[TextureGuess, ...]
    coarseness: float
    directionality: float
    direction_deg: float
    contrast: float
    sheen: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the photo, in pixels: left edge, top edge, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text on the garment.

    Attributes:
        text: What it says.
        box: Where it stands.
        confidence: 0 to 1.
    """

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Print:
    """A placed print, logo or label.

    Attributes:
        box: Where it is.
        share: Part of the garment's area that its content covers, 0 to 1.
        confidence: 0 (a guess) to 1 (sure) that something is printed, stitched or sewn on there.
        lines: What it says, top to bottom; empty where nothing was read or nobody read.
    """

    box: Box
    share: float
    confidence: float
    lines: tuple[TextLine, ...] = ()

"""What the mannequin is lacquered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fashquick_common.errors import BadField

DEFAULT = "stone"
"""A warm light grey: paler than most cloth and darker than white cloth and white backdrops, and nobody's skin."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Looks of the mannequin's surface.

    Attributes:
        colour: sRGB codes of the light it returns.
        fuzz: Linear light that it adds where it is seen edge on, as matte lacquer does.
        gloss: Linear light of a highlight's middle.
        sharpness: Exponent of the highlight; larger is smaller.
    """

    colour: tuple[int, int, int]
    fuzz: float = 0.05
    gloss: float = 0.035
    sharpness: float = 14.0


FINISHES: Mapping[str, Finish] = MappingProxyType(
    {
        "stone": Finish((203, 195, 187)),
        "white": Finish((232, 230, 226), gloss=0.02),
        "grey": Finish((136, 136, 137)),
        "black": Finish((38, 38, 40), fuzz=0.03, gloss=0.045, sharpness=18.0),
        "porcelain": Finish((229, 207, 191)),
        "sand": Finish((214, 176, 146)),
        "honey": Finish((184, 135, 98)),
        "chestnut": Finish((132, 87, 60), fuzz=0.035),
        "ebony": Finish((78, 53, 41), fuzz=0.03),
    }
)
"""By name; the last five are skin tones from light to dark."""


def named(name: str) -> Finish:
    """The finish of that name; the default's for an empty one.

    Raises:
        BadField: There is none.
    """
    finish = FINISHES.get(name or DEFAULT)
    if finish is None:
        raise BadField(f"finish {name!r} is unknown; choose one of {', '.join(FINISHES)}", field="finish")
    return finish

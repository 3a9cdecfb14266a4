"""Common English names of garment colours.

The table gives each name one typical sRGB value as it appears on cloth in a photo, which is greyer than the web
colour of the same name; a colour gets the name whose value lies nearest by CIEDE2000. `LAB` holds the same
values as CIE L*a*b* (D65).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from fashquick_common.image.spaces import Floats, ciede2000, lab_of_srgb

SRGB: Final[dict[str, tuple[int, int, int]]] = {
    "black": (27, 26, 28),
    "charcoal": (62, 62, 65),
    "dark grey": (88, 88, 90),
    "grey": (128, 128, 130),
    "light grey": (172, 172, 174),
    "white": (238, 238, 238),
    "off-white": (233, 229, 219),
    "cream": (240, 228, 196),
    "beige": (211, 193, 165),
    "taupe": (140, 124, 112),
    "camel": (184, 142, 94),
    "khaki": (158, 146, 108),
    "brown": (106, 72, 50),
    "dark brown": (62, 44, 36),
    "rust": (164, 78, 42),
    "olive": (98, 96, 54),
    "dark green": (30, 66, 46),
    "green": (46, 128, 70),
    "light green": (146, 200, 140),
    "mint": (176, 224, 204),
    "lime": (164, 210, 60),
    "teal": (24, 112, 118),
    "turquoise": (62, 184, 190),
    "light blue": (160, 196, 224),
    "sky blue": (92, 160, 216),
    "blue": (40, 92, 176),
    "royal blue": (36, 56, 170),
    "denim blue": (80, 104, 140),
    "navy": (28, 36, 66),
    "lavender": (186, 172, 214),
    "purple": (106, 58, 138),
    "plum": (84, 40, 76),
    "magenta": (192, 40, 120),
    "hot pink": (232, 84, 150),
    "pink": (236, 160, 184),
    "light pink": (242, 206, 212),
    "dusty pink": (196, 144, 146),
    "coral": (238, 116, 96),
    "red": (196, 32, 40),
    "burgundy": (102, 22, 40),
    "orange": (236, 124, 36),
    "peach": (246, 196, 164),
    "mustard": (202, 156, 44),
    "yellow": (244, 214, 60),
    "light yellow": (246, 236, 160),
}

LAB: Final[Floats] = lab_of_srgb(np.array(list(SRGB.values()), np.uint8))
_NAMES: Final = tuple(SRGB)


def name_of(lab: tuple[float, float, float]) -> str:
    """Return the common name of a colour given as CIE L*a*b* (D65)."""
    return _NAMES[int(ciede2000(LAB, np.array(lab)).argmin())]

"""How often each answer goes with each category: counts over the labelled photos, half a photo added to each.

From 2,747 photos of the clothing dataset, labelled by eye; a sleeve to the elbow counts as three-quarter. Legs were
not labelled: shorts and trousers are what their names say, cropped ones a sixth of either.
"""

from __future__ import annotations

from typing import Final

from fashquick_common.garment import Category, Front, LegLength, Neckline, SleeveLength

SLEEVES: Final[dict[Category, dict[SleeveLength, float]]] = {
    Category.T_SHIRT: {
        SleeveLength.NONE: 0.001,
        SleeveLength.SHORT: 0.978,
        SleeveLength.THREE_QUARTER: 0.021,
        SleeveLength.LONG: 0.001,
    },
    Category.SHIRT: {
        SleeveLength.NONE: 0.015,
        SleeveLength.SHORT: 0.235,
        SleeveLength.THREE_QUARTER: 0.06,
        SleeveLength.LONG: 0.689,
    },
    Category.LONG_SLEEVE: {
        SleeveLength.NONE: 0.003,
        SleeveLength.SHORT: 0.003,
        SleeveLength.THREE_QUARTER: 0.156,
        SleeveLength.LONG: 0.837,
    },
    Category.SWEATER: {
        SleeveLength.NONE: 0.002,
        SleeveLength.SHORT: 0.041,
        SleeveLength.THREE_QUARTER: 0.034,
        SleeveLength.LONG: 0.923,
    },
    Category.JACKET: {
        SleeveLength.NONE: 0.003,
        SleeveLength.SHORT: 0.01,
        SleeveLength.THREE_QUARTER: 0.003,
        SleeveLength.LONG: 0.983,
    },
    Category.COAT: {
        SleeveLength.NONE: 0.013,
        SleeveLength.SHORT: 0.013,
        SleeveLength.THREE_QUARTER: 0.038,
        SleeveLength.LONG: 0.936,
    },
    Category.VEST: {
        SleeveLength.NONE: 0.955,
        SleeveLength.SHORT: 0.015,
        SleeveLength.THREE_QUARTER: 0.015,
        SleeveLength.LONG: 0.015,
    },
    Category.DRESS: {
        SleeveLength.NONE: 0.407,
        SleeveLength.SHORT: 0.315,
        SleeveLength.THREE_QUARTER: 0.177,
        SleeveLength.LONG: 0.101,
    },
    Category.SLEEVELESS_TOP: {
        SleeveLength.NONE: 0.893,
        SleeveLength.SHORT: 0.036,
        SleeveLength.THREE_QUARTER: 0.036,
        SleeveLength.LONG: 0.036,
    },
}

LEGS: Final[dict[Category, dict[LegLength, float]]] = {
    Category.SHORTS: {LegLength.SHORT: 0.82, LegLength.CROPPED: 0.17, LegLength.FULL: 0.01},
    Category.TROUSERS: {LegLength.SHORT: 0.01, LegLength.CROPPED: 0.17, LegLength.FULL: 0.82},
}

NECKLINES: Final[dict[Category, dict[Neckline, float]]] = {
    Category.T_SHIRT: {
        Neckline.CREW: 0.755,
        Neckline.V: 0.067,
        Neckline.SCOOP: 0.16,
        Neckline.COLLAR: 0.007,
        Neckline.HOOD: 0.001,
        Neckline.HIGH: 0.01,
        Neckline.STRAPS: 0.001,
    },
    Category.SHIRT: {
        Neckline.CREW: 0.019,
        Neckline.V: 0.032,
        Neckline.SCOOP: 0.005,
        Neckline.COLLAR: 0.925,
        Neckline.HOOD: 0.002,
        Neckline.HIGH: 0.015,
        Neckline.STRAPS: 0.002,
    },
    Category.LONG_SLEEVE: {
        Neckline.CREW: 0.526,
        Neckline.V: 0.086,
        Neckline.SCOOP: 0.223,
        Neckline.COLLAR: 0.024,
        Neckline.HOOD: 0.01,
        Neckline.HIGH: 0.127,
        Neckline.STRAPS: 0.003,
    },
    Category.SWEATER: {
        Neckline.CREW: 0.483,
        Neckline.V: 0.15,
        Neckline.SCOOP: 0.087,
        Neckline.COLLAR: 0.019,
        Neckline.HOOD: 0.051,
        Neckline.HIGH: 0.207,
        Neckline.STRAPS: 0.002,
    },
    Category.JACKET: {
        Neckline.CREW: 0.037,
        Neckline.V: 0.017,
        Neckline.SCOOP: 0.003,
        Neckline.COLLAR: 0.153,
        Neckline.HOOD: 0.342,
        Neckline.HIGH: 0.444,
        Neckline.STRAPS: 0.003,
    },
    Category.COAT: {
        Neckline.CREW: 0.063,
        Neckline.V: 0.038,
        Neckline.SCOOP: 0.013,
        Neckline.COLLAR: 0.215,
        Neckline.HOOD: 0.443,
        Neckline.HIGH: 0.215,
        Neckline.STRAPS: 0.013,
    },
    Category.VEST: {
        Neckline.CREW: 0.014,
        Neckline.V: 0.014,
        Neckline.SCOOP: 0.014,
        Neckline.COLLAR: 0.043,
        Neckline.HOOD: 0.275,
        Neckline.HIGH: 0.623,
        Neckline.STRAPS: 0.014,
    },
    Category.DRESS: {
        Neckline.CREW: 0.404,
        Neckline.V: 0.141,
        Neckline.SCOOP: 0.276,
        Neckline.COLLAR: 0.058,
        Neckline.HOOD: 0.002,
        Neckline.HIGH: 0.026,
        Neckline.STRAPS: 0.093,
    },
    Category.SLEEVELESS_TOP: {
        Neckline.CREW: 0.226,
        Neckline.V: 0.161,
        Neckline.SCOOP: 0.29,
        Neckline.COLLAR: 0.032,
        Neckline.HOOD: 0.032,
        Neckline.HIGH: 0.032,
        Neckline.STRAPS: 0.226,
    },
}

FRONTS: Final[dict[Category, dict[Front, float]]] = {
    Category.T_SHIRT: {Front.CLOSED: 0.999, Front.OPEN: 0.001},
    Category.SHIRT: {Front.CLOSED: 0.974, Front.OPEN: 0.026},
    Category.LONG_SLEEVE: {Front.CLOSED: 0.997, Front.OPEN: 0.003},
    Category.SWEATER: {Front.CLOSED: 0.955, Front.OPEN: 0.045},
    Category.JACKET: {Front.CLOSED: 0.879, Front.OPEN: 0.121},
    Category.COAT: {Front.CLOSED: 0.829, Front.OPEN: 0.171},
    Category.VEST: {Front.CLOSED: 0.766, Front.OPEN: 0.234},
    Category.DRESS: {Front.CLOSED: 0.998, Front.OPEN: 0.002},
    Category.SLEEVELESS_TOP: {Front.CLOSED: 0.962, Front.OPEN: 0.038},
}

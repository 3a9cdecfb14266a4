"""What only the front of a garment has, and its back must not: prints, the opening, the collar, a fly."""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.garment import Category, Front, Neckline, Passport
from fashquick_generation.studio.arrays import Bool, Float64, UInt8
from fashquick_generation.studio.cut.pattern import Family, Pattern, Role, Side
from fashquick_generation.studio.texture.window import Window

PRINT_MARGIN = 0.08
"""Room around a print's box, as a share of its longer side: shadows and outlines of letters."""
BUTTONED = frozenset({Category.SHIRT, Category.JACKET, Category.COAT, Category.VEST})
"""Garments that open in front."""
PLACKET_M = 0.045
"""Half the width of a closed front's strip with buttons or a zip, and of its overlap."""
OPEN_SHARE = 0.6
"""Half the width of what an open front shows of the lining, as a share of the garment's half width."""
FLY_M, FLY_DEPTH_M = 0.045, 0.22
"""Half the width and the depth of the front of trousers with button, fly and drawstring."""
COLLAR_M, RIB_M = 0.14, 0.03
"""Depth below the neckline of a turned-down collar, and of a ribbed or faced neck."""
BESIDE_M = 0.05
"""Width beside the neckline that a collar covers."""
ABOVE_M = 0.3
"""Height over the neck up to which all belongs to it."""
STEPS = 24
"""Points along a line of the pattern: it may bend in the photo."""


def front_only(pattern: Pattern, passport: Passport, window: Window) -> Bool:
    """HxW, pixels of the window that show what the back must not have.

    Args:
        pattern: The garment's.
        passport: What is known of it.
        window: Of its photo.
    """
    area = printed_of(passport, window).astype(np.uint8)
    for piece in _pieces(pattern, passport):
        _fill(area, window.place(pattern.warp.to_photo(piece)))
    return area > 0


def printed_of(passport: Passport, window: Window) -> Bool:
    """HxW, where the passport knows of prints, logos and labels."""
    area = np.zeros(window.size[::-1], np.uint8)
    for one in passport.prints:
        room = PRINT_MARGIN * max(one.box.width, one.box.height)
        low = np.array([one.box.x - room, one.box.y - room])
        high = np.array([one.box.x + one.box.width + room, one.box.y + one.box.height + room])
        corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
        _fill(area, window.place(corners))
    return area > 0


def _fill(area: UInt8, corners: Float64) -> None:
    cv2.fillPoly(area, [np.round(corners - 0.5).astype(np.int32)], 1)


def _pieces(pattern: Pattern, passport: Passport) -> list[Float64]:
    """Outlines, Mx2 metres."""
    low = float(pattern.border[:, 1].min())
    if pattern.family is Family.TROUSERS:
        return [_strip(FLY_M, FLY_M, -FLY_DEPTH_M)]
    if pattern.family is not Family.TOP:
        return []
    buttoned = passport.category in BUTTONED
    # A standing collar begins above the neckline; one that is folded over, or merely seen, lies below it too.
    folded = buttoned if pattern.collar is None else pattern.collar.kind is Neckline.COLLAR
    pieces = [_neck(pattern, COLLAR_M if folded else RIB_M)]
    if passport.geometry is not None and passport.geometry.front.value is Front.OPEN:
        pieces.append(_strip(OPEN_SHARE * _half_width(pattern), ABOVE_M, low))
    elif buttoned:
        pieces.append(_strip(PLACKET_M, ABOVE_M, low))
    return pieces


def _neck(pattern: Pattern, depth: float) -> Float64:
    """The rectangle that holds all above the front's neckline, and what is sewn along it."""
    edge = pattern.line(Role.NECK) if pattern.front_edge is None else pattern.front_edge
    # Upright sides: what is mirrored at a curved line is bent.
    return _strip(float(np.abs(edge[:, 0]).max()) + BESIDE_M, ABOVE_M, float(edge[:, 1].min()) - depth)


def _strip(half: float, top: float, bottom: float) -> Float64:
    y = np.linspace(top, bottom, STEPS)
    return np.concatenate([np.stack([np.full(STEPS, half), y], 1), np.stack([np.full(STEPS, -half), y[::-1]], 1)])


def _half_width(pattern: Pattern) -> float:
    """Of the body between its side seams."""
    sides = [pattern.stretch(Role.SIDE, side) for side in (Side.LEFT, Side.RIGHT)]
    return float(np.mean([np.abs(side.line[:, 0]).mean() for side in sides if side is not None] or [0.0]))

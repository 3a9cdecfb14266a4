"""What stands over a top's neckline: stand collars, turtlenecks, shirt collars, hoods.

It is no part of the front and back panels. In the photo its outside is seen between the seam that holds it and its
rim; on the body it stands around the neck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.garment import Neckline
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.neck import Neck

STATIONS = 61
"""Points along a collar's seam."""
LOWEST_M = 0.018
"""Height of the lowest collar at the back of the neck."""
HIGHEST_M = {Neckline.COLLAR: 0.045, Neckline.HIGH: 0.085}
"""Height of the highest at the neck points; a longer turtleneck is worn folded over, a taller collar is a hood."""
HOOD_RING = (0.08, 0.36)
"""Part of the way from a hood's outline to its middle in which its outside is seen, around its opening."""


@dataclass(frozen=True, slots=True)
class Collar:
    """A collar or hood.

    Attributes:
        kind: COLLAR (folded over), HIGH (standing) or HOOD.
        seam: `STATIONS`x2 float64, pixels of its outside along the front panel's edge, from the wearer's right to
            the left, at equal distances of that edge.
        rim: Likewise along its upper edge.
        rise_m: `STATIONS` float64, metres from the seam up to the rim; 0 of a hood, which lies on the back.
        back_m: Metres that it stands up behind the neck; likewise.
    """

    kind: Neckline
    seam: Float64
    rim: Float64
    rise_m: Float64
    back_m: float


def collar_of(neck: Neck, pixel_m: float) -> Collar | None:
    """The collar in the photo, or None where there is none.

    Args:
        neck: As found.
        pixel_m: Metres a pixel.
    """
    if neck.rim is None:
        return None
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(neck.front_edge, axis=0), axis=1))]
    where = np.linspace(0, along[-1], STATIONS)
    seam, rim = (
        np.stack([np.interp(where, along, line[:, k]) for k in (0, 1)], axis=1) for line in (neck.front_edge, neck.rim)
    )
    if neck.kind is Neckline.HOOD:
        outer, inner = (rim + share * (rim.mean(axis=0) - rim) for share in HOOD_RING)
        return Collar(neck.kind, inner, outer, np.zeros(STATIONS), 0.0)
    rise = np.linalg.norm(rim - seam, axis=1) * pixel_m
    rise = (rise + rise[::-1]) / 2
    side = float(rise[0])
    worn = float(np.clip(side, LOWEST_M, HIGHEST_M[neck.kind]))
    # A collar is shown up to where it is folded; what the photo hides of it is drawn out.
    share = worn / max(side, 1e-6)
    if share < 1:
        rim = seam + share * (rim - seam)
    return Collar(neck.kind, seam, rim, rise * share, worn)

"""Garments drawn from known corners, colours and patterns: ground truth for every analyser.

Tests and benchmarks draw from here, so that both judge the same garments. Lengths are in units of the height
from the neck to the hem; left is the wearer's, the right of the picture.
"""

from benchmarks.drawn.garment import DrawnGarment, draw

__all__ = ["DrawnGarment", "draw"]

"""How large and how small a picture may be."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What the image edge accepts and what it makes of it.

    Attributes:
        max_pixels: Most pixels (width x height) that a file may declare. Checked before a pixel is decoded.
        max_bytes: Most bytes of the encoded file.
        min_side: Fewest pixels of the short side; below it a garment has no readable outline.
        working_side: Long side in pixels of the decoded picture; larger ones are resized, none is enlarged.
        max_aspect: Largest ratio of long side to short side; more is a banner, and a few pixels wide once resized.
    """

    max_pixels: int = 64_000_000
    max_bytes: int = 32 * _MIB
    min_side: int = 64
    working_side: int = 2048
    max_aspect: float = 8.0

    def __post_init__(self) -> None:
        """Refuse limits that cannot hold.

        Raises:
            ValueError: A limit is not positive, or `max_pixels` is above Pillow's own limit, which stays in
                force: the same picture would then be refused by one and allowed by the other.
        """
        if min(self.max_pixels, self.max_bytes, self.min_side, self.working_side) < 1 or self.max_aspect < 1:
            raise ValueError(f"all image limits must be at least 1: {self}")
        if Image.MAX_IMAGE_PIXELS is not None and self.max_pixels > Image.MAX_IMAGE_PIXELS:
            raise ValueError(f"max_pixels is {self.max_pixels}; Pillow decodes at most {Image.MAX_IMAGE_PIXELS}")


DEFAULT_LIMITS = ImageLimits()
"""The limits used when a caller names none."""

"""Masks and maps as they come over the wire; unpacked only when somebody looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class PixelEncoding(StrEnum):
    """How the bytes of a `PixelMap` are to be read, as in `fashquick.common.v1.Encoding`."""

    RGB8 = "rgb8"
    RGBA8 = "rgba8"
    GRAY8 = "gray8"
    BITS1 = "bits1"
    UV16 = "uv16"


@dataclass(frozen=True, slots=True)
class PixelMap:
    """A raw picture without a file format.

    Attributes:
        encoding: How to read `data`.
        width: Pixels a row.
        height: Rows.
        data: The bytes; all but RGB8 are compressed with zlib.
    """

    encoding: PixelEncoding
    width: int
    height: int
    data: bytes

    @classmethod
    def of_uv(cls, uv: npt.NDArray[np.float32]) -> Self:
        """Pack where in a photo each pixel of a picture comes from. Needs the extra `images` (numpy).

        Args:
            uv: HxWx2 float32, u then v: 0 to 1 of the photo's width from its left edge and of its height from its top
                edge; both NaN where a pixel shows nothing of the photo.

        Raises:
            ImportError: numpy is not installed.
            ValueError: The array is another one.
        """
        _, encodings = _images()
        data = encodings.encode_uv16(uv)
        return cls(PixelEncoding.UV16, uv.shape[1], uv.shape[0], data)

    def array(self) -> npt.NDArray[np.uint8]:
        """Unpack the pixels. Needs the extra `images` (numpy).

        Returns:
            HxWx3 uint8 for RGB8; HxWx4 uint8 for RGBA8; HxW uint8 for GRAY8; HxW uint8 of 0 and 255 for BITS1.

        Raises:
            ImportError: numpy is not installed.
            BadField: The bytes do not fit the size.
            ValueError: It is UV16, which has positions, not pixels.
        """
        np, encodings = _images()
        match self.encoding:
            case PixelEncoding.RGB8:
                pixels = encodings.decode_rgb8(self.data, self.width, self.height)
            case PixelEncoding.RGBA8:
                pixels = encodings.decode_rgba8(self.data, self.width, self.height)
            case PixelEncoding.GRAY8:
                pixels = encodings.decode_gray8(self.data, self.width, self.height)
            case PixelEncoding.BITS1:
                bits = encodings.decode_bits1(self.data, self.width, self.height)
                pixels = np.where(bits, np.uint8(255), np.uint8(0))
            case PixelEncoding.UV16:
                raise ValueError("a UV map has positions, not pixels")
        return pixels  # type: ignore[no-any-return]  # both modules are loaded late and so untyped here


def _images() -> tuple[Any, Any]:
    try:
        import numpy as np  # noqa: PLC0415 - only the extra `images` has it

        from fashquick_common import encodings  # noqa: PLC0415 - needs numpy
    except ImportError as error:
        raise ImportError("pixels need numpy and Pillow: pip install 'fashquick-client[images]'") from error
    return np, encodings

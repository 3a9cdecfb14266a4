"""UV maps as files of numpy. Needs the extra `images`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fashquick_client.pixels import PixelMap
from fashquick_common.errors import BadField


def read_uv_file(path: Path) -> PixelMap:
    """Read where in a photo each pixel of a picture comes from.

    Args:
        path: A .npy file with HxWx2 floats: u and v, 0 to 1 of the photo's width and height, both NaN where a pixel
            shows nothing of the photo.

    Raises:
        OSError: The file cannot be read.
        BadField: It is no such array.
    """
    try:
        with path.open("rb") as file:
            uv = np.load(file, allow_pickle=False)
        if not isinstance(uv, np.ndarray) or not np.issubdtype(uv.dtype, np.floating):
            raise ValueError("its numbers are no floats")
        return PixelMap.of_uv(uv.astype(np.float32, copy=False))
    except (ValueError, EOFError) as error:
        raise BadField(f"{path} is no UV map of HxWx2 floats from 0 to 1 or NaN: {error}", field="uv") from error

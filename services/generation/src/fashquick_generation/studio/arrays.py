"""Names for the array types of this package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int = NDArray[np.int32] | NDArray[np.int64]
"""Indices in whatever width numpy gave them."""
UInt8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

"""The garment network: a 0.93 M parameter U-Net, run by OpenCV's dnn module."""

from __future__ import annotations

import hashlib
import threading
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.errors import ModelNotInstalled

NETWORK_SHA256 = "f23804f5a8c955051e908f7edd94341b6615b51065f091d600de938217de078b"


class GarmentNetwork:
    """Where a picture shows a garment, by one pass of the network.

    `cv2.dnn.Net` keeps its input and its activations inside, so passes of several threads are made one after
    the other.

    Attributes:
        digest: SHA-256 of the network file in hexadecimal.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read the network.

        Args:
            path: The ONNX file; None for the one that comes with the package.

        Raises:
            ModelNotInstalled: The file is missing, or its content is not the one this version was made for.
        """
        content = _read(path)
        self.digest = hashlib.sha256(content).hexdigest()
        if self.digest != NETWORK_SHA256:
            raise ModelNotInstalled(
                f"the segmentation network has SHA-256 {self.digest}, expected {NETWORK_SHA256}: "
                "the file is damaged or of another version; install fashquick-segmentation again"
            )
        self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        self._lock = threading.Lock()

    def probability(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tell garment from ground.

        Args:
            image: SxSx3 float32, sRGB from 0 to 1, S a multiple of 32. Trained on sides of 192 and 256.

        Returns:
            SxS float32: the probability that a pixel shows the garment.
        """
        blob = np.ascontiguousarray(image.transpose(2, 0, 1)[np.newaxis])
        with self._lock:
            self._net.setInput(blob)
            # The net owns the array it returns and writes the next answer into it.
            output: NDArray[np.float32] = np.array(self._net.forward()[0, 0], np.float32)
        return output


def _read(path: Path | None) -> bytes:
    file = resources.files(__package__) / "data" / "garment_seg.onnx" if path is None else path
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelNotInstalled(
            f"the segmentation network {file.name} cannot be read ({type(error).__name__}); "
            "install fashquick-segmentation again"
        ) from error

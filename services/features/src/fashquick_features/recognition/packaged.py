"""Networks that come with the distribution, run by OpenCV's dnn module."""

from __future__ import annotations

import hashlib
import threading
from importlib import resources

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.errors import ModelNotInstalled

Floats = npt.NDArray[np.float32]


class PackagedNetwork:
    """A network file of this distribution.

    `cv2.dnn.Net` keeps its input and its activations inside, so passes of several threads are made one after
    the other.

    Attributes:
        digest: SHA-256 of the network file in hexadecimal.
    """

    def __init__(self, name: str) -> None:
        """Read a network.

        Args:
            name: Of its ONNX file.

        Raises:
            ModelNotInstalled: The file is missing or is no network.
        """
        file = resources.files("fashquick_features") / "data" / name
        try:
            content = file.read_bytes()
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        except (OSError, cv2.error) as error:
            raise ModelNotInstalled(
                f"the network {name} cannot be read ({type(error).__name__}); install fashquick-features again"
            ) from error
        self.digest = hashlib.sha256(content).hexdigest()
        self._outputs = self._net.getUnconnectedOutLayersNames()
        self._lock = threading.Lock()

    def run(self, picture: Floats) -> tuple[Floats, ...]:
        """One pass over a picture, HxWx3; all outputs of the network, each with a first axis of length 1."""
        blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], np.float32)
        with self._lock:
            self._net.setInput(blob)
            # The net owns the arrays it returns and writes the next answers into them.
            return tuple(np.array(output, np.float32) for output in self._net.forward(self._outputs))

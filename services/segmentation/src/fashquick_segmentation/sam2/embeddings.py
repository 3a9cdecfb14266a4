"""Embeddings that were made lately: a photo that is asked about again is not embedded again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.sam2.checkpoints import SIDE_PX
from fashquick_segmentation.sam2.predictor import Embedding, Predictor


def embedding_key(photo: NDArray[np.uint8], predictor: Predictor, side_px: int) -> str:
    """Return the SHA-256, in hexadecimal, of all that an embedding hangs on.

    Args:
        photo: HxWx3 uint8.
        predictor: What would embed it: its weights and its precision count.
        side_px: Side of the square.
    """
    about = f"{predictor.digest} {predictor.precision} {side_px} {'x'.join(map(str, photo.shape))}\n"
    digest = hashlib.sha256(about.encode())
    digest.update(np.ascontiguousarray(photo).data)
    return digest.hexdigest()


class EmbeddingCache:
    """Keeps the embeddings used last, up to a number of bytes. Thread-safe.

    Attributes:
        limit_bytes: Most bytes of all embeddings together.
        hits: How often an embedding was there.
        misses: How often one was not.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Make an empty one; with a limit of 0 it keeps nothing."""
        self.limit_bytes = limit_bytes
        self.hits = self.misses = 0
        self._kept: OrderedDict[str, Embedding] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size_bytes(self) -> int:
        """Bytes of all embeddings that it keeps."""
        return self._size_bytes

    def get(self, key: str) -> Embedding | None:
        """Return an embedding and count it as used; None if it is not there."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                self.misses += 1
            else:
                self.hits += 1
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, embedding: Embedding) -> None:
        """Keep an embedding and drop those not used for longest; one larger than the limit is not kept."""
        size = embedding.size_bytes
        with self._lock:
            old = self._kept.pop(key, None)
            if old is not None:
                self._size_bytes -= old.size_bytes
            if size > self.limit_bytes:
                return
            while self._size_bytes + size > self.limit_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._size_bytes -= dropped.size_bytes
            self._kept[key] = embedding
            self._size_bytes += size

    def clear(self) -> None:
        """Drop all."""
        with self._lock:
            self._kept.clear()
            self._size_bytes = 0

    def encode(
        self,
        predictor: Predictor,
        photos: Sequence[NDArray[np.uint8]],
        cancel: CancelFlag,
        *,
        side_px: int = SIDE_PX,
    ) -> list[Embedding]:
        """Embed photos that are not kept, each once, and keep them; see `Predictor.encode`."""
        keys = [embedding_key(photo, predictor, side_px) for photo in photos]
        photo_of = dict(zip(keys, photos, strict=True))
        found = {key: self.get(key) for key in photo_of}
        missing = [key for key, embedding in found.items() if embedding is None]
        made = predictor.encode([photo_of[key] for key in missing], cancel, side_px=side_px)
        whole = {key: embedding for key, embedding in found.items() if embedding is not None}
        for key, embedding in zip(missing, made, strict=True):
            self.put(key, embedding)
            whole[key] = embedding
        return [whole[key] for key in keys]

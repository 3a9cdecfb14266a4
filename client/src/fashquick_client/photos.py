"""Photos as callers name them, read into memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fashquick_common.errors import ImageTooLarge, NotAnImage

PhotoSource = str | os.PathLike[str] | bytes
"""A path, or the bytes of an image file."""

MAX_PHOTO_BYTES = 256 * 1024 * 1024  # Far above any server's limit; only a wrong file name leads to more.
_MAX_NAME_CHARS = 255


@dataclass(frozen=True, slots=True)
class Photo:
    """An image file in memory.

    Attributes:
        name: File name for messages to people; empty for bytes.
        data: The file.
    """

    name: str
    data: bytes


def read_photo(source: PhotoSource) -> Photo:
    """Read a photo. What it shows is for the server to judge.

    Raises:
        OSError: There is no such file, or it cannot be read.
        NotAnImage: It is empty.
        ImageTooLarge: It is so large that it cannot be a photo.
    """
    if isinstance(source, bytes):
        photo = Photo("", source)
    else:
        path = Path(source)
        with path.open("rb") as file:
            photo = Photo(printable(path.name)[:_MAX_NAME_CHARS], file.read(MAX_PHOTO_BYTES + 1))
    label = photo.name or "the photo"
    if len(photo.data) > MAX_PHOTO_BYTES:
        raise ImageTooLarge(f"{label} has more than {MAX_PHOTO_BYTES} bytes; no photo is that large")
    if not photo.data:
        raise NotAnImage(f"{label} is empty; choose a JPEG, PNG, WebP, AVIF or HEIC file")
    return photo


def printable(path: str) -> str:
    """Return a path as it can be printed and sent, whatever bytes it has."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

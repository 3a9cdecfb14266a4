"""What requests are made of: parts, and wishes as the contract has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from fashquick_client.photos import PhotoSource, read_photo
from fashquick_client.pixels import PixelEncoding, PixelMap
from fashquick_common.errors import BadField
from fashquick_common.garment import Category
from fashquick_common.rpc.blobs import (
    ENCODING_BITS1,
    ENCODING_FILE,
    ENCODING_GRAY8,
    ENCODING_RGB8,
    ENCODING_RGBA8,
    ENCODING_UV16,
    Blob,
    make_blob,
)

V = TypeVar("V")

PHOTO_PART = "photo"
MASK_PART = "mask"
ALPHA_PART = "alpha"

ENCODINGS = {
    PixelEncoding.RGB8: ENCODING_RGB8,
    PixelEncoding.RGBA8: ENCODING_RGBA8,
    PixelEncoding.GRAY8: ENCODING_GRAY8,
    PixelEncoding.BITS1: ENCODING_BITS1,
    PixelEncoding.UV16: ENCODING_UV16,
}


def file_blob(part: str, source: PhotoSource) -> Blob:
    """Return an image file as a part.

    Raises:
        OSError: The file cannot be read.
        NotAnImage: It is empty.
    """
    photo = read_photo(source)
    return make_blob(part, photo.data, ENCODING_FILE, name=photo.name)


def pixel_blob(part: str, pixels: PixelMap | PhotoSource) -> Blob:
    """Return pixels or an image file as a part; raises what `file_blob` does."""
    if isinstance(pixels, PixelMap):
        return make_blob(part, pixels.data, ENCODINGS[pixels.encoding], width=pixels.width, height=pixels.height)
    return file_blob(part, pixels)


def category_of(category: Category | str | None) -> Category | None:
    """Return a category by its name.

    Raises:
        BadField: It is none.
    """
    if category is None:
        return None
    try:
        return Category(category)
    except ValueError:
        raise BadField(f"category is {category!r}, it must be one of {', '.join(Category)}", field="category") from None


def choice(field: str, value: str, choices: Mapping[str, V]) -> V:
    """Return what a name stands for.

    Raises:
        BadField: It is none of the choices.
    """
    if value not in choices:
        raise BadField(f"{field} is {value!r}, it must be one of {', '.join(choices)}", field=field)
    return choices[value]


def check_range(field: str, value: int, most: int) -> None:
    """Return if a number is from 0 to `most`.

    Raises:
        BadField: It is not.
    """
    if not 0 <= value <= most:
        raise BadField(f"{field} is {value}, it must be between 0 and {most}", field=field)

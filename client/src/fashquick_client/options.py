"""What a caller may wish for in a try-on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from fashquick_client.events import OutputKind
from fashquick_client.photos import PhotoSource
from fashquick_common.garment import Category

BackendName = Literal["auto", "studio", "diffusion"]
BodyName = Literal["woman", "man", "curvy"]
FormatName = Literal["png", "jpeg", "webp"]
PriorityName = Literal["interactive", "bulk"]


class TryOnOptions(TypedDict, total=False):
    """Wishes of a try-on; what is left out is the server's choice.

    Attributes:
        seed: Start of all random numbers, 0 to 2**64 - 1.
        size: Width and height of the picture in pixels, 256 to 2048 and 256 to 3072.
        backend: How to make the picture.
        allow_fallback: Whether another backend may be used when the one asked for is not there.
        category: Kind of garment if it is known; it is then not guessed.
        body: Body preset: "woman", "man" or "curvy".
        pose: Pose by name, such as "relaxed".
        outputs: Masks and maps wanted beside the picture.
        picture_format: File format of the picture.
        mask: Mask of the photo, a file of its size, 0 ground to 255 garment; the garment is then not searched.
    """

    seed: int | None
    size: tuple[int, int] | None
    backend: BackendName
    allow_fallback: bool
    category: Category | str | None
    body: str
    pose: str
    outputs: Sequence[OutputKind | str]
    picture_format: FormatName
    mask: PhotoSource | None

"""Pictures between the stages: checked, renamed, encoded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fashquick.common.v1 import blob_pb2
from fashquick.generation.v1 import scene_pb2
from fashquick_common import encodings
from fashquick_common.errors import BadMask, InternalError, NoGarment
from fashquick_common.image import (
    FOREGROUND,
    DecodedImage,
    ImageLimits,
    OutputFormat,
    check_mask,
    encode,
    marked_webp,
)
from fashquick_common.rpc.blobs import ENCODING_GRAY8, ENCODING_RGB8, ENCODING_RGBA8, Blob, make_blob
from fashquick_common.server.pictures import bits1_blob, gray8_blob, read_mask, rgb8_blob, rgba8_blob
from fashquick_orchestrator.peer import peer_errors
from fashquick_orchestrator.stages import Segmented
from fashquick_orchestrator.values import MaskQuality, StageRun

_PREVIEW_QUALITY = 80
_CALLER = "caller"
_RAW_SIDE_PX = 2048  # Of a raw picture that the features service compares; files are reduced.


def renamed(blob: Blob, part: str) -> Blob:
    """Return the same bytes under another part's name."""
    header = blob_pb2.BlobHeader()
    header.CopyFrom(blob.header)
    header.part = part
    return Blob(header, blob.data)


def mask_from_caller(mask: Blob, photo: DecodedImage, limits: ImageLimits) -> Segmented:
    """Return the caller's mask in the place of segmentation's answer.

    Raises:
        BadMask: It is empty, full or of another size than the photo.
        InvalidArgumentError: It is not a picture that is read here.
    """
    alpha = read_mask(mask, photo, limits)
    inside = alpha >= FOREGROUND
    border = [*inside[0], *inside[-1], *inside[1:-1, 0], *inside[1:-1, -1]]
    quality = MaskQuality(
        confidence=1.0,
        coverage=float(inside.mean()),
        border_contact=sum(map(bool, border)) / len(border),
        fragments=1,
        warnings=(),
    )
    return Segmented(
        alpha=gray8_blob("alpha", alpha),
        mask=bits1_blob("mask", inside),
        foreground=None,
        quality=quality,
        run=StageRun(_CALLER, "", "", 0.0),
    )


def hint_of(photo: DecodedImage) -> Blob | None:
    """Return the photo's transparency as a hint for segmentation; None where it sets nothing apart."""
    if photo.alpha is None:
        return None
    try:
        check_mask(photo.alpha)
    except BadMask:
        return None
    return gray8_blob("hint", photo.alpha)


def photo_for_generation(found: Segmented, photo: DecodedImage, photo_blob: Blob) -> Blob:
    """Return the photo with the garment's own colours along its soft edge, where the photo has them mixed with ground.

    The ground stays as it is: it shows generation what of the garment's rim is ground, and how bright the room was.

    Args:
        found: What segmentation answered.
        photo: The photo that it was asked about.
        photo_blob: The same, RGB8; returned as it is where there are no own colours.

    Raises:
        InternalError: A part has another size or encoding than the contract says.
        NoGarment: The alpha is empty or full.
    """
    alpha = _checked_alpha(found.alpha, photo)
    if found.foreground is None:
        return photo_blob
    _check_part(found.foreground, ENCODING_RGB8, photo)
    header = found.foreground.header
    with peer_errors():
        colours = encodings.decode_rgb8(found.foreground.data, header.width, header.height, field=header.part)
    return rgb8_blob(photo_blob.part, with_own_colours(photo.rgb, alpha, colours))


def with_own_colours(
    photo: encodings.Pixels, alpha: encodings.Pixels, foreground: encodings.Pixels
) -> encodings.Pixels:
    """Return the photo with the garment's own colours where the alpha is soft.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8: 0 ground to 255 garment.
        foreground: HxWx3 uint8, the garment's own colours.
    """
    rgb, soft = photo.copy(), (alpha > 0) & (alpha < 255)
    rgb[soft] = foreground[soft]
    return rgb


def _checked_alpha(alpha: Blob, photo: DecodedImage) -> encodings.Pixels:
    _check_part(alpha, ENCODING_GRAY8, photo)
    with peer_errors():
        pixels = encodings.decode_gray8(alpha.data, alpha.header.width, alpha.header.height, field=alpha.part)
    try:
        check_mask(pixels)
    except BadMask:
        raise NoGarment(
            "no garment stands out in this photo; lay one garment flat on a plain ground of another colour"
        ) from None
    return pixels


def _check_part(part: Blob, encoding: blob_pb2.Encoding.ValueType, photo: DecodedImage) -> None:
    height, width = photo.rgb.shape[:2]
    header = part.header
    if header.encoding != encoding or (header.width, header.height) != (width, height):
        raise InternalError(
            f"the segmentation service sent part {header.part!r} of {header.width} x {header.height} pixels in "
            f"encoding {header.encoding}; expected was encoding {encoding} and the photo's {width} x {height}"
        )


def encode_picture(picture: Blob, part: str, picture_format: OutputFormat, xmp: bytes) -> Blob:
    """Return an RGB8 or RGBA8 picture as a file that says it is synthetic.

    Raises:
        BadField: The format has no transparency, which the picture has.
    """
    header = picture.header
    data = encode(_pixels(picture), picture_format, xmp=xmp)
    return make_blob(part, data, media_type=f"image/{picture_format}", width=header.width, height=header.height)


def mark_turntable(turntable: Blob, xmp: bytes) -> Blob:
    """Return an animation that says it is synthetic.

    Raises:
        InternalError: It is not what the contract says.
    """
    try:
        data = marked_webp(bytes(turntable.data), xmp)
    except ValueError as error:
        raise InternalError(f"the generation service sent another turntable than agreed: {error}") from None
    return make_blob("turntable", data, media_type="image/webp")


def opaque(picture: Blob) -> Blob:
    """Return a picture as RGB8, what is transparent laid on white."""
    pixels = _pixels(picture)
    if pixels.shape[2] == 3:
        return renamed(picture, "picture")
    alpha = pixels[..., 3:].astype(np.uint16)
    return rgb8_blob("picture", ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8))


def for_comparison(pixels: Blob) -> Blob:
    """Return a raw picture or mask as the features service takes it: where it is too large, as a file."""
    header = pixels.header
    if max(header.width, header.height) <= _RAW_SIDE_PX:
        return pixels
    image = _gray(pixels) if header.encoding == ENCODING_GRAY8 else _pixels(pixels)
    return make_blob(header.part, encode(image), media_type="image/png")


def without_alpha(picture: Blob, part: str) -> Blob:
    """Return a picture's colours as RGB8, whatever covers them."""
    pixels = _pixels(picture)
    return renamed(picture, part) if pixels.shape[2] == 3 else rgb8_blob(part, np.ascontiguousarray(pixels[..., :3]))


def in_place_of(picture: Blob, repaired: Blob) -> Blob:
    """Return a repaired picture under the name of the one before, with its alpha.

    Raises:
        InternalError: It is no picture of that size.
    """
    before, after = _pixels(picture), _pixels(repaired)
    if after.shape != (*before.shape[:2], 3):
        raise InternalError("the generation service sent a repaired picture that is not RGB8 of the picture's size")
    if before.shape[2] == 3:
        return renamed(repaired, picture.part)
    return rgba8_blob(picture.part, np.dstack([after, before[..., 3]]))


def region_of(outputs: Mapping[int, Blob], garment: int) -> Blob:
    """Return where one garment is visible in a picture, GRAY8.

    Args:
        outputs: Parts of the view by number of the `fashquick.generation.v1.OutputKind`.
        garment: Its index, from 0.

    Raises:
        InternalError: The generation service did not say it, or a part breaks the contract.
        BadMask: It is hidden.
    """
    everywhere = outputs.get(scene_pb2.OUTPUT_KIND_GARMENT_MASK)
    if everywhere is None:
        raise InternalError("the generation service did not say where the garment is")
    which = outputs.get(scene_pb2.OUTPUT_KIND_GARMENT_INDEX)
    if which is None:
        return renamed(everywhere, "region")
    region = np.where(_gray(which) == garment + 1, _gray(everywhere), np.uint8(0))
    if not (region >= FOREGROUND).any():
        raise BadMask("the garments over it hide it", field="region")
    return gray8_blob("region", region)


def encode_preview(preview: Blob) -> Blob:
    """Return an RGB8 preview as a small JPEG file."""
    header = preview.header
    data = encode(_pixels(preview), "jpeg", quality=_PREVIEW_QUALITY)
    return make_blob(header.part, data, media_type="image/jpeg", width=header.width, height=header.height)


def _pixels(blob: Blob) -> encodings.Pixels:
    header = blob.header
    if header.encoding not in (ENCODING_RGB8, ENCODING_RGBA8):
        raise InternalError("the generation service sent a picture that is neither RGB8 nor RGBA8")
    decode = encodings.decode_rgb8 if header.encoding == ENCODING_RGB8 else encodings.decode_rgba8
    with peer_errors():
        return decode(blob.data, header.width, header.height, field=blob.part)


def _gray(blob: Blob) -> encodings.Pixels:
    header = blob.header
    if header.encoding != ENCODING_GRAY8:
        raise InternalError(f"the generation service sent part {blob.part!r}, which is not GRAY8")
    with peer_errors():
        return encodings.decode_gray8(blob.data, header.width, header.height, field=blob.part)

"""Pictures between the stages: checked, renamed, encoded."""

from __future__ import annotations

from fashquick.common.v1 import blob_pb2
from fashquick_common import encodings
from fashquick_common.errors import BadMask, InternalError, NoGarment
from fashquick_common.image import (
    FOREGROUND,
    DecodedImage,
    ImageLimits,
    OutputFormat,
    check_mask,
    encode,
)
from fashquick_common.rpc.blobs import ENCODING_GRAY8, ENCODING_RGB8, Blob, make_blob
from fashquick_common.server.pictures import bits1_blob, gray8_blob, read_mask, rgb8_blob
from fashquick_orchestrator.stages import Segmented, peer_errors
from fashquick_orchestrator.values import MaskQuality, StageRun

_PREVIEW_QUALITY = 80
_CALLER = "caller"


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


def encode_picture(picture: Blob, picture_format: OutputFormat, xmp: bytes) -> Blob:
    """Return an RGB8 picture as a file that says it is synthetic."""
    header = picture.header
    data = encode(_rgb(picture), picture_format, xmp=xmp)
    return make_blob("picture", data, media_type=f"image/{picture_format}", width=header.width, height=header.height)


def encode_preview(preview: Blob) -> Blob:
    """Return an RGB8 preview as a small JPEG file."""
    header = preview.header
    data = encode(_rgb(preview), "jpeg", quality=_PREVIEW_QUALITY)
    return make_blob(header.part, data, media_type="image/jpeg", width=header.width, height=header.height)


def _rgb(blob: Blob) -> encodings.Pixels:
    header = blob.header
    if header.encoding != ENCODING_RGB8:
        raise InternalError("the generation service sent a picture that is not RGB8")
    with peer_errors():
        return encodings.decode_rgb8(blob.data, header.width, header.height, field=blob.part)

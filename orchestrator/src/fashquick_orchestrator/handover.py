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
from fashquick_common.server.pictures import bits1_blob, gray8_blob, read_mask
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
    return Segmented(gray8_blob("alpha", alpha), bits1_blob("mask", inside), quality, StageRun(_CALLER, "", "", 0.0))


def hint_of(photo: DecodedImage) -> Blob | None:
    """Return the photo's transparency as a hint for segmentation; None where it sets nothing apart."""
    if photo.alpha is None:
        return None
    try:
        check_mask(photo.alpha)
    except BadMask:
        return None
    return gray8_blob("hint", photo.alpha)


def check_alpha(alpha: Blob, photo: DecodedImage) -> None:
    """Return if the alpha that segmentation sent fits the photo and shows a garment.

    Raises:
        InternalError: It has another size or encoding than the contract says.
        NoGarment: It is empty or full.
    """
    height, width = photo.rgb.shape[:2]
    header = alpha.header
    if header.encoding != ENCODING_GRAY8 or (header.width, header.height) != (width, height):
        raise InternalError(
            f"the segmentation service sent an alpha of {header.width} x {header.height} pixels "
            f"for a photo of {width} x {height}"
        )
    with peer_errors():
        pixels = encodings.decode_gray8(alpha.data, width, height, field=alpha.part)
    try:
        check_mask(pixels)
    except BadMask:
        raise NoGarment(
            "no garment stands out in this photo; lay one garment flat on a plain ground of another colour"
        ) from None


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

"""The image edge: encoded pictures in, bounded sRGB pixels out, and back."""

from fashquick_common.image.decode import DecodedImage, decode
from fashquick_common.image.encode import DEFAULT_QUALITY, OutputFormat, encode
from fashquick_common.image.formats import ImageFormat, identify
from fashquick_common.image.limits import DEFAULT_LIMITS, ImageLimits
from fashquick_common.image.marking import (
    DigitalSourceType,
    marked_webp,
    read_digital_source_type,
    synthetic_media_xmp,
)
from fashquick_common.image.mask import FOREGROUND, check_mask, decode_mask
from fashquick_common.image.probe import ImageHeader, probe

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_QUALITY",
    "FOREGROUND",
    "DecodedImage",
    "DigitalSourceType",
    "ImageFormat",
    "ImageHeader",
    "ImageLimits",
    "OutputFormat",
    "check_mask",
    "decode",
    "decode_mask",
    "encode",
    "identify",
    "marked_webp",
    "probe",
    "read_digital_source_type",
    "synthetic_media_xmp",
]

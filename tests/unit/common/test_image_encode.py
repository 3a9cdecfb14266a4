from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from fashquick_common.errors import BadField, BadMask, NotAnImage
from fashquick_common.image import (
    DigitalSourceType,
    ImageLimits,
    decode,
    decode_mask,
    encode,
    marked_webp,
    read_digital_source_type,
    synthetic_media_xmp,
)
from tests.support.image_files import animation, gradient, save


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_what_is_encoded_is_decoded(image_format: str) -> None:
    decoded = decode(encode(gradient(), image_format, quality=95))  # type: ignore[arg-type]  # parametrised

    assert decoded.format == image_format
    assert np.abs(decoded.rgb.astype(int) - gradient()).max() <= (0 if image_format == "png" else 12)


@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_transparency_is_kept(image_format: str) -> None:
    alpha = np.zeros((80, 120), np.uint8)
    alpha[20:60, 30:90] = 200

    decoded = decode(encode(np.dstack([gradient(), alpha]), image_format))  # type: ignore[arg-type]  # parametrised

    assert decoded.alpha is not None
    assert (decoded.alpha == alpha).all()


def test_grey_is_kept_grey() -> None:
    grey = gradient()[..., 0]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode(grey)))), grey)


def test_a_png_says_that_it_is_srgb() -> None:
    assert Image.open(io.BytesIO(encode(gradient()))).info["srgb"] == 0


def test_red_stripes_keep_their_colour_in_jpeg() -> None:
    stripes = np.full((64, 64, 3), (255, 255, 255), np.uint8)
    stripes[:, ::2] = (200, 0, 0)

    decoded = decode(encode(stripes, "jpeg"))

    assert np.abs(decoded.rgb.astype(int) - stripes).mean() < 8  # 4:2:0 has 50


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("term", list(DigitalSourceType))
def test_a_marked_picture_says_so(image_format: str, term: DigitalSourceType) -> None:
    xmp = synthetic_media_xmp('fashquick 0.1 "beta" <&>', term)

    data = encode(gradient(), image_format, xmp=xmp)  # type: ignore[arg-type]  # parametrised

    assert read_digital_source_type(data) == term.value
    start, end = data.index(b"<x:xmpmeta"), data.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")
    description = ET.fromstring(data[start:end]).find(".//{*}Description")
    assert description is not None
    assert description.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType") == term.value
    assert description.get("{http://ns.adobe.com/xap/1.0/}CreatorTool") == 'fashquick 0.1 "beta" <&>'


def test_an_unmarked_picture_says_nothing() -> None:
    assert read_digital_source_type(encode(gradient())) is None
    assert read_digital_source_type(b"no picture") is None


def test_wrong_wishes_are_refused_by_field() -> None:
    with pytest.raises(BadField, match="quality is 0") as caught:
        encode(gradient(), "jpeg", quality=0)
    assert caught.value.field == "quality"
    with pytest.raises(BadField, match="transparency"):
        encode(np.zeros((8, 8, 4), np.uint8), "jpeg")
    with pytest.raises(BadField, match="gif"):
        encode(gradient(), "gif")  # type: ignore[arg-type]  # what a request may hold
    with pytest.raises(ValueError, match="float64"):
        encode(np.zeros((8, 8, 3)))  # type: ignore[arg-type]  # the mistake under test


def disc(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.where((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2, 255, 0).astype(np.uint8)


def test_a_mask_is_read_from_brightness_or_alpha() -> None:
    photo = decode(save(gradient(), "PNG"))
    mask = disc(80, 120)
    cutout = np.dstack([np.full((80, 120, 3), 30, np.uint8), mask])

    assert (decode_mask(save(mask, "PNG"), photo) == mask).all()
    assert (decode_mask(save(np.repeat(mask[..., None], 3, axis=2), "PNG"), photo) == mask).all()
    assert (decode_mask(save(cutout, "PNG"), photo) == mask).all()


def test_a_mask_at_the_photos_own_size_follows_its_resize() -> None:
    limits = ImageLimits(working_side=200)
    photo = decode(save(gradient(1200, 800), "PNG"), limits)

    for mask in (disc(800, 1200), disc(photo.rgb.shape[0], photo.rgb.shape[1])):
        read = decode_mask(save(mask, "PNG"), photo, limits)
        assert read.shape == photo.rgb.shape[:2]
        assert abs((read >= 128).mean() - (mask >= 128).mean()) < 0.01


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((80, 120), np.uint8), "nothing"),
        (np.full((80, 120), 255, np.uint8), "the whole photo"),
        (np.full((80, 120), 100, np.uint8), "nothing"),
        (disc(120, 80), "80 x 120 pixels, the photo 120 x 80"),
    ],
)
def test_useless_masks_are_refused(mask: np.ndarray, words: str) -> None:
    with pytest.raises(BadMask, match=words):
        decode_mask(save(mask, "PNG"), decode(save(gradient(), "PNG")))


def test_a_mask_that_is_no_picture_is_refused() -> None:
    with pytest.raises(NotAnImage):
        decode_mask(b"%PDF-1.4", decode(save(gradient(), "PNG")))


@pytest.mark.parametrize("software", ["fashquick 1", "fashquick 12"], ids=["even", "odd"])
def test_an_animation_is_marked_without_touching_its_pictures(software: str) -> None:
    plain, xmp = animation(), synthetic_media_xmp(software)
    marked = marked_webp(plain, xmp)

    assert read_digital_source_type(marked) == DigitalSourceType.COMPOSITE_SYNTHETIC
    before, after = (Image.open(io.BytesIO(data)) for data in (plain, marked))
    assert before.n_frames == after.n_frames == 2
    for frame in range(2):
        before.seek(frame)
        after.seek(frame)
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()


@pytest.mark.parametrize("data", [b"", b"RIFF", encode(gradient(), "png"), encode(gradient(), "webp")])
def test_what_is_no_animation_is_not_marked(data: bytes) -> None:
    with pytest.raises(ValueError, match="extended"):
        marked_webp(data, b"xmp")


def test_an_animation_is_marked_once() -> None:
    with pytest.raises(ValueError, match="without XMP"):
        marked_webp(marked_webp(animation(), b"xmp"), b"xmp")

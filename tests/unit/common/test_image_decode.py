from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from fashquick_common.errors import ImageBlank, ImageDamaged, ImageTooLarge, ImageTooSmall, NotAnImage
from fashquick_common.image import ImageFormat, ImageLimits, decode, probe
from fashquick_common.image.header import declared_size
from tests.support.image_files import gradient, save

DATA = Path(__file__).parent / "data"
LOSSY = 12  # of 255: chroma subsampling and quantisation on a smooth gradient

# What each EXIF orientation does to an upright picture before it is stored: the inverse of what a viewer does.
STORED_FROM_UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def difference(left: np.ndarray, right: np.ndarray) -> int:
    assert left.shape == right.shape
    return int(np.abs(left.astype(int) - right.astype(int)).max())


@pytest.mark.parametrize(
    ("name", "options"),
    [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 95})],
)
def test_every_format_comes_back_as_its_pixels(name: str, options: dict[str, object]) -> None:
    pixels = gradient()

    decoded = decode(save(pixels, name, **options))

    assert difference(decoded.rgb, pixels) <= LOSSY
    assert decoded.rgb.dtype == np.uint8
    assert decoded.rgb.flags.c_contiguous
    assert decoded.alpha is None
    assert decoded.format == ImageFormat(name.lower())
    assert (decoded.source_width, decoded.source_height) == (120, 80)
    assert decoded.warnings == ()


def test_heic_is_read_and_its_own_turn_is_applied_once() -> None:
    plain = decode((DATA / "plain.heic").read_bytes())
    turned = decode((DATA / "turned.heic").read_bytes())

    assert plain.format is ImageFormat.HEIC
    assert difference(plain.rgb[4:-4, 4:-4], gradient_of_fixture()[4:-4, 4:-4]) <= LOSSY
    assert difference(turned.rgb, np.rot90(plain.rgb, -1)) <= LOSSY
    assert probe((DATA / "turned.heic").read_bytes()).width == 96


def test_heic_alpha_is_kept() -> None:
    decoded = decode((DATA / "alpha.heic").read_bytes())

    assert decoded.alpha is not None
    assert decoded.alpha[48, 64] == 255
    assert decoded.alpha[2, 2] == 0
    assert decoded.rgb[2, 2].tolist() == [255, 255, 255]


def gradient_of_fixture() -> np.ndarray:
    pixels = gradient(128, 96)
    pixels[..., 2] = 64
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_every_exif_orientation_ends_upright(name: str, orientation: int) -> None:
    upright = gradient()
    stored = np.ascontiguousarray(STORED_FROM_UPRIGHT[orientation](upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(stored, name, quality=95, exif=exif.tobytes())

    decoded, header = decode(data), probe(data)

    assert difference(decoded.rgb, upright) <= LOSSY
    assert (decoded.source_width, decoded.source_height) == (120, 80)
    assert (header.width, header.height, header.orientation) == (120, 80, orientation)


def test_orientation_in_xmp_alone_is_applied() -> None:
    upright = gradient()
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'

    decoded = decode(save(np.ascontiguousarray(np.rot90(upright)), "JPEG", quality=95, xmp=xmp))

    assert difference(decoded.rgb, upright) <= LOSSY


@pytest.mark.parametrize("value", [0, 9, 77])
def test_orientation_out_of_range_leaves_the_picture_as_stored(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value

    assert difference(decode(save(gradient(), "PNG", exif=exif)).rgb, gradient()) == 0


def test_sixteen_bit_grey_keeps_its_shades() -> None:
    ramp = np.tile(np.linspace(0, 65535, 120).astype(np.uint16), (80, 1))

    decoded = decode(save(Image.fromarray(ramp), "PNG"))

    assert difference(decoded.rgb, np.repeat((ramp >> 8)[..., None], 3, axis=2)) <= 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_modes_become_rgb(mode: str) -> None:
    source = Image.fromarray(gradient()).convert(mode)

    decoded = decode(save(source, "JPEG" if mode == "CMYK" else "PNG"))

    assert difference(decoded.rgb, np.asarray(source.convert("RGB"))) <= LOSSY


def test_alpha_becomes_a_mask_hint_and_the_background_white() -> None:
    alpha = np.zeros((80, 120), np.uint8)
    alpha[20:60, 30:90] = 255

    decoded = decode(save(np.dstack([gradient(), alpha]), "PNG"))

    assert decoded.alpha is not None
    assert difference(decoded.alpha, alpha) == 0
    assert difference(decoded.rgb[20:60, 30:90], gradient()[20:60, 30:90]) == 0
    assert (decoded.rgb[:20] == 255).all()


def test_opaque_alpha_is_no_hint() -> None:
    assert decode(save(np.dstack([gradient(), np.full((80, 120), 255, np.uint8)]), "PNG")).alpha is None


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "1"])
def test_a_transparent_colour_becomes_alpha(mode: str) -> None:
    squares = np.zeros((80, 120), np.uint8)
    squares[20:60, 30:90] = 255
    picture = Image.fromarray(squares).convert(mode)
    key = {"P": 0, "RGB": (0, 0, 0), "L": 0, "1": 0}[mode]

    decoded = decode(save(picture, "PNG", transparency=key))

    assert decoded.alpha is not None
    assert difference(decoded.alpha, squares) == 0


def test_transparent_pixels_do_not_bleed_into_the_edge_when_resized() -> None:
    pixels = np.zeros((800, 800, 4), np.uint8)
    pixels[..., 1] = 255  # green where nobody sees it
    pixels[200:600, 200:600] = (200, 0, 0, 255)

    decoded = decode(save(pixels, "PNG"), ImageLimits(working_side=100))

    assert decoded.alpha is not None
    edge = decoded.rgb[decoded.alpha > 0]
    assert (edge[:, 1] <= edge[:, 2] + 1).all()  # white may mix in, green may not


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF"])
def test_of_an_animation_the_first_frame_is_used_and_said(name: str) -> None:
    first, *others = (Image.fromarray(np.ascontiguousarray(np.rot90(gradient(90, 90), turn))) for turn in range(3))

    decoded = decode(save(first, name, save_all=True, append_images=others, quality=95, lossless=True))

    assert difference(decoded.rgb, gradient(90, 90)) <= 2 * LOSSY
    assert len(decoded.warnings) == 1
    assert "3 frames" in decoded.warnings[0]


def test_a_jpeg_with_further_pictures_is_a_jpeg() -> None:
    data = save(gradient(), "MPO", save_all=True, append_images=[Image.fromarray(gradient())], quality=95)

    decoded = decode(data)

    assert decoded.format is ImageFormat.JPEG
    assert decoded.warnings == ()
    assert difference(decoded.rgb, gradient()) <= LOSSY


@pytest.mark.parametrize(
    ("mode", "name"), [("RGB", "PNG"), ("RGB", "JPEG"), ("P", "PNG"), ("RGBA", "WEBP"), ("L", "PNG")]
)
def test_large_pictures_are_resized_like_one_resize_of_the_whole(mode: str, name: str) -> None:
    limits = ImageLimits(working_side=256)
    # Soft noise: every row differs, so a band laid one row off or cut short shows.
    noise = np.random.default_rng(3).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    source = Image.fromarray(noise).resize((3001, 2003), Image.Resampling.BICUBIC).convert(mode)
    # To lossless WebP quality means effort.
    data = save(source, name, quality=95 if name == "JPEG" else 0, lossless=True, compress_level=1, method=0)

    decoded = decode(data, limits)

    expected = Image.open(io.BytesIO(data)).convert("RGB").resize((256, 171), Image.Resampling.LANCZOS)
    assert decoded.rgb.shape == (171, 256, 3)
    assert (decoded.source_width, decoded.source_height) == (3001, 2003)
    assert difference(decoded.rgb, np.asarray(expected)) <= (8 if name == "JPEG" else 1)


def test_small_pictures_are_not_enlarged() -> None:
    assert decode(save(gradient(70, 100), "PNG")).rgb.shape == (100, 70, 3)


def test_fine_stripes_are_averaged_not_aliased() -> None:
    stripes = np.zeros((1000, 1000, 3), np.uint8)
    stripes[:, ::2] = 255

    decoded = decode(save(stripes, "PNG"), ImageLimits(working_side=330, max_pixels=2_000_000))

    inner = decoded.rgb[10:-10, 10:-10].astype(int)
    assert abs(inner.mean() - 127.5) < 2
    assert np.ptp(inner) < 20


def test_metadata_is_gone_and_nothing_global_changed() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, "HEIF" in Image.OPEN)
    info = PngImagePlugin.PngInfo()
    info.add_text("GPS", "somewhere")

    decoded = decode(save(gradient(), "PNG", pnginfo=info))
    decode((DATA / "plain.heic").read_bytes())

    assert isinstance(decoded.rgb, np.ndarray)
    assert "somewhere" not in repr(decoded)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, "HEIF" in Image.OPEN) == before


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_any_buffer_is_read(kind: type) -> None:
    assert difference(decode(kind(save(gradient(), "PNG"))).rgb, gradient()) == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"GIF89a" + bytes(20), "GIF"),
        (b"II*\x00" + bytes(20), "TIFF"),
        (b'<?xml version="1.0"?><svg/>', "SVG"),
        ("Grüße".encode() * 300, "text"),
        (bytes(100), "no known kind"),
    ],
)
def test_other_files_are_named_and_the_way_out_too(data: bytes, words: str) -> None:
    with pytest.raises(NotAnImage, match=words) as caught:
        decode(data)
    assert "JPEG, PNG, WebP, AVIF or HEIC" in caught.value.message


def test_limits_are_told_with_their_numbers() -> None:
    data = save(gradient(500, 400), "PNG")

    with pytest.raises(ImageTooLarge, match=r"500 x 400 .*0\.2 megapixels.*0\.1 megapixels"):
        probe(data, ImageLimits(max_pixels=100_000))
    with pytest.raises(ImageTooLarge, match="MiB"):
        probe(data, ImageLimits(max_bytes=1000))
    with pytest.raises(ImageTooSmall, match=r"500 x 400 .*at least 450"):
        probe(data, ImageLimits(min_side=450))
    with pytest.raises(ImageTooSmall, match=r"at most 1\.1 times"):
        probe(data, ImageLimits(max_aspect=1.1))


def test_limits_beyond_pillows_own_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="max_pixels"):
        ImageLimits(max_pixels=10**9)


def test_blank_pictures_are_told_from_plain_ones() -> None:
    with pytest.raises(ImageBlank, match="one colour"):
        decode(save(np.full((100, 100, 3), 240, np.uint8), "JPEG"))
    dust = np.random.default_rng(2).integers(100, 103, (100, 100, 3), dtype=np.uint8)
    with pytest.raises(ImageBlank, match="about 100, 100, 100"):
        decode(save(dust, "PNG"))
    with pytest.raises(ImageBlank, match="transparent"):
        decode(save(np.zeros((100, 100, 4), np.uint8), "PNG"))
    white_on_white = np.full((100, 100, 3), 240, np.uint8)
    white_on_white[30:70, 30:70] = 246
    assert decode(save(white_on_white, "PNG")).rgb.shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {}),
    ],
)
def test_the_size_is_read_without_a_decoder(name: str, options: dict[str, bool]) -> None:
    data = save(gradient(123, 77), name, **options)

    assert declared_size(data, ImageFormat(name.lower())) == (123, 77)
    assert declared_size(data[:14], ImageFormat(name.lower())) is None


def test_the_size_of_heic_is_read_without_a_decoder() -> None:
    assert declared_size((DATA / "plain.heic").read_bytes(), ImageFormat.HEIC) == (128, 96)


def test_threads_share_nothing() -> None:
    expected = [np.roll(gradient(), shift, axis=1) for shift in range(8)]
    files = [save(pixels, "PNG") for pixels in expected]
    worst = [0] * 8

    def work(number: int) -> None:
        for _ in range(20):
            worst[number] = max(worst[number], difference(decode(files[number]).rgb, expected[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert worst == [0] * 8


def test_damage_is_told() -> None:
    whole = save(gradient(400, 300), "JPEG", quality=95)
    with pytest.raises(ImageDamaged, match=f"{len(whole) // 2} bytes is damaged or was cut short"):
        decode(whole[: len(whole) // 2])


def test_where_memory_ends_the_picture_is_too_large() -> None:
    code = """
import resource, sys
from fashquick_common.errors import ImageTooLarge
from fashquick_common.image import decode, probe
data = sys.stdin.buffer.read()
probe(data)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000, used + 60_000_000))
try:
    decode(data)
except ImageTooLarge as error:
    print(error)
"""
    data = save(large(6000, 5000), "PNG", compress_level=1)

    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)

    assert b"no memory" in done.stdout


def memory_taken(data: bytes) -> float:
    """Growth of the peak memory in MB while a fresh process decodes."""
    code = """
import sys
from tests.support.memory import peak_kib
from fashquick_common.image import decode
data = sys.stdin.buffer.read()
before = peak_kib()
assert max(decode(data).rgb.shape) == 2048
print((peak_kib() - before) * 1024 / 1e6)
"""
    folder = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True, cwd=folder)
    return float(done.stdout)


def large(width: int, height: int) -> Image.Image:
    tile = Image.fromarray(gradient(1000, 1000))
    picture = Image.new("RGB", (width, height))
    for x in range(0, width, 1000):
        for y in range(0, height, 1000):
            picture.paste(tile, (x, y))
    return picture


def test_a_48_megapixel_jpeg_needs_less_than_200_mb() -> None:
    picture = large(8000, 6000)

    assert memory_taken(save(picture, "JPEG", quality=80)) < 120
    assert memory_taken(save(picture, "JPEG", quality=80, progressive=True)) < 200


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}),
        ("JPEG", {}),
        ("PNG", {"compress_level": 1}),
        ("WEBP", {"method": 0}),
        ("AVIF", {"speed": 10, "subsampling": "4:4:4"}),
    ],
)
def test_the_header_foretells_the_memory(name: str, options: dict[str, object]) -> None:
    data = save(large(4000, 3000), name, **options)

    foretold = probe(data).decode_bytes / 1e6

    assert 0.15 * foretold < memory_taken(data) < foretold

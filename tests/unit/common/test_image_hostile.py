from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashquick_common.errors import (
    FashquickError,
    ImageBlank,
    ImageDamaged,
    ImageTooLarge,
    ImageTooSmall,
    InvalidArgumentError,
    NotAnImage,
)
from fashquick_common.image import ImageLimits, decode, probe
from tests.support.hostile import hostile_files
from tests.support.image_files import gradient, save

CORPUS = hostile_files()
DATA = Path(__file__).parent / "data"
WHOLE = [save(gradient(), name) for name in ("PNG", "JPEG", "WEBP", "AVIF")] + [(DATA / "plain.heic").read_bytes()]

EXPECTED: dict[str, type[FashquickError]] = {
    **dict.fromkeys(("empty", "text", "umlauts", "pdf-renamed-jpg", "svg", "html", "gif", "tiff", "bmp"), NotAnImage),
    **dict.fromkeys(("zip", "mp4", "zeros", "one-byte"), NotAnImage),
    **dict.fromkeys(("one-pixel", "small", "strip"), ImageTooSmall),
    **dict.fromkeys(("transparent", "one-colour-png", "one-colour-jpeg"), ImageBlank),
    **dict.fromkeys(("bomb-png", "bomb-png-just-over", "bomb-jpeg", "bomb-webp", "bomb-avif"), ImageTooLarge),
    **dict.fromkeys(("lying-webp-larger-canvas", "lying-png-larger", "png-zero-wide"), ImageDamaged),
    **dict.fromkeys(("png-text-bomb", "png-many-texts", "png-profile-bomb", "png-huge-chunk-claim"), ImageDamaged),
    "jpeg-many-scans": ImageDamaged,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_refused_for_its_reason(name: str) -> None:
    with pytest.raises(EXPECTED[name]) as caught:
        decode(CORPUS[name])
    assert "0x" not in caught.value.message  # no memory address of a library's object


@pytest.mark.parametrize("name", [name for name in CORPUS if name.startswith("bomb")])
def test_bombs_are_refused_by_the_probe(name: str) -> None:
    with pytest.raises(ImageTooLarge, match="megapixels"):
        probe(CORPUS[name])


def test_a_jpeg_that_costs_too_many_passes_is_refused_before_the_first() -> None:
    with pytest.raises(ImageDamaged, match="300 scans, at most 200"):
        probe(CORPUS["jpeg-many-scans"])


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif"])
def test_no_truncation_becomes_a_picture(kind: str) -> None:
    for name, data in CORPUS.items():
        if name.startswith(f"truncated-{kind}"):
            with pytest.raises(InvalidArgumentError):
                decode(data)


def test_heic_cut_anywhere_is_refused() -> None:
    whole = WHOLE[-1]
    for number in range(50):
        with pytest.raises(InvalidArgumentError):
            decode(whole[: len(whole) * number // 50])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("name", ["jpeg-broken-exif", "jpeg-broken-profile", "jpeg-large-profile"])
def test_broken_metadata_does_not_cost_the_picture(name: str) -> None:
    decoded = decode(CORPUS[name])

    assert decoded.rgb.shape == (240, 320, 3)
    said = {"jpeg-broken-exif": "", "jpeg-broken-profile": "cannot be used", "jpeg-large-profile": "5000000 bytes"}
    assert said[name] in " ".join(decoded.warnings)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    whole=st.sampled_from(WHOLE),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12),
    near_start=st.booleans(),
)
def test_random_damage_is_refused_or_read(whole: bytes, edits: list[tuple[float, int]], near_start: bool) -> None:
    data = bytearray(whole)
    reach = min(len(data), 400) if near_start else len(data)
    for place, value in edits:
        data[int(place * (reach - 1))] = value
    try:
        decoded = decode(bytes(data), ImageLimits(max_pixels=4_000_000))
    except FashquickError:
        return
    assert decoded.rgb.ndim == 3


@given(st.binary(max_size=300), st.sampled_from([b"", *(whole[:16] for whole in WHOLE)]))
@settings(deadline=None, derandomize=True)
def test_random_bytes_are_refused(tail: bytes, head: bytes) -> None:
    with pytest.raises(FashquickError):
        decode(head + tail)


def test_the_whole_corpus_stays_within_memory() -> None:
    code = """
from tests.support.memory import peak_kib
from tests.support.hostile import hostile_files
from fashquick_common.errors import FashquickError
from fashquick_common.image import decode
files = hostile_files()
before = peak_kib()
for data in files.values():
    try:
        decode(data)
    except FashquickError:
        pass
print((peak_kib() - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, cwd=Path(__file__).parents[3]
    )

    assert int(done.stdout) < 200

"""Labels that the embedded network is trained on: those in the repository, and how further ones are made."""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.segmenter.labelling import label_photo
from scripts.segmenter.labels import PHOTO_SIDE_PX, read_label, write_label
from scripts.segmenter.panels import part_of_garment
from tests.unit.segmentation.garments import OUTLINES, iou, outline_mask, photo_of

ROOT = Path(__file__).parents[3]
ARCHIVE = ROOT / "scripts" / "segmenter" / "labels.tar.xz"
BENCHMARKS = ROOT / "benchmarks" / "data"
NAVY = (34, 50, 110)


def blue(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """In the place of the network: what is blue is garment."""
    return np.where(picture[..., 2] > picture[..., 0] + 0.1, np.float32(0.99), np.float32(0.01))


def wavering() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The same, but in every second look the lower half of the photo is ground."""
    looks = itertools.count()

    def probability(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        answer = blue(picture)
        if next(looks) % 2:
            answer[len(answer) // 2 :] = 0.01
        return answer

    return probability


def test_the_labels_are_masks_of_photos_that_no_benchmark_uses() -> None:
    tested = {path.stem for path in BENCHMARKS.glob("*/*.png")}
    tested |= set((BENCHMARKS / "hard_photos.txt").read_text(encoding="ascii").split())
    assert len(tested) == 86 + 34 + 34
    names = set()
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            label = cv2.imdecode(np.frombuffer(content.read(), np.uint8), cv2.IMREAD_GRAYSCALE)
            assert max(label.shape) == PHOTO_SIDE_PX, member.name
            assert 0.01 < np.mean(label == 255) < 0.99, member.name
            names.add(Path(member.name).stem)
    assert len(names) > 2000
    assert not names & tested


def test_a_label_is_read_as_it_was_written(tmp_path: Path) -> None:
    photo, truth = photo_of("t-shirt", NAVY, "carpet")
    small = np.asarray(cv2.resize(photo, (255, 340), interpolation=cv2.INTER_AREA), np.uint8)
    path = tmp_path / "t-shirt__1.pbm"

    write_label(path, truth)
    label, is_cut = read_label(path, small)

    assert label.shape == small.shape[:2]
    assert set(np.unique(label)) == {0.0, 1.0}
    assert iou(label > 0.5, cv2.resize(truth.astype(np.uint8), (255, 340), interpolation=cv2.INTER_AREA) > 0) > 0.98
    assert not is_cut


def test_a_photo_that_every_view_agrees_on_is_labelled_for_sure() -> None:
    photo, truth = photo_of("t-shirt", NAVY, "carpet")
    found = label_photo(blue, photo)
    assert found.is_sure
    assert iou(found.label, cv2.resize(truth.astype(np.uint8), found.label.shape[::-1]) > 0) > 0.97


def test_a_photo_that_a_view_takes_for_another_is_doubtful() -> None:
    photo, _ = photo_of("t-shirt", NAVY, "carpet")
    assert not label_photo(wavering(), photo).is_sure


def test_every_kind_of_part_lies_on_the_garment() -> None:
    mask = cv2.resize(outline_mask(OUTLINES["t-shirt"]), (192, 192), interpolation=cv2.INTER_AREA)
    shares = []
    for seed in range(200):
        part = part_of_garment(np.random.default_rng(seed), mask)
        assert part.shape == mask.shape
        assert set(np.unique(part)) <= {0.0, 1.0}
        shares.append(part[mask > 0.5].mean())
    assert np.mean(np.array(shares) > 0.005) > 0.95
    assert 0.3 < np.mean(np.array(shares) < 0.5) < 0.9  # Most are parts, not the whole.

"""What the embedded segmenter's network is trained on: pictures that repeat, hangers that are ground."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from scripts.segmenter.drawing import hand, hanger
from scripts.segmenter.labels import hanger_parts
from scripts.segmenter.synthesis import Synthesis

SIDE = 192
WHITE, BLACK, BLUE = (235, 235, 235), (20, 20, 20), (120, 150, 210)


def garment(colour: tuple[int, int, int], height: int = 200, width: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """A plain rectangle on a wall, and its mask, 0 to 1."""
    photo = np.full((height, width, 3), (200, 190, 180), np.uint8)
    mask = np.zeros((height, width), np.float32)
    mask[60:-20, 40:-40] = 1
    photo[mask > 0] = colour
    return photo, mask


@pytest.fixture(scope="module")
def synthesis() -> Synthesis:
    made = {f"dress__{number}": garment(colour) for number, colour in enumerate([BLUE, (200, 40, 50), WHITE])}
    photos = {name: photo for name, (photo, _) in made.items()}
    return Synthesis(photos, {name: mask for name, (_, mask) in made.items()}, cut=["dress__2"])


def test_a_number_always_makes_the_same_picture(synthesis: Synthesis) -> None:
    first, again, other = (synthesis.sample(np.random.default_rng(seed), SIDE) for seed in (1, 1, 2))

    assert (first[0] == again[0]).all()
    assert (first[1] == again[1]).all()
    assert (first[0] != other[0]).any()


def test_pictures_are_what_the_network_takes(synthesis: Synthesis) -> None:
    covered = 0
    for seed in range(60):
        picture, label = synthesis.sample(np.random.default_rng(seed), SIDE)
        assert picture.shape == (SIDE, SIDE, 3)
        assert picture.dtype == np.uint8
        assert label.shape == (SIDE, SIDE)
        assert label.dtype == np.float32
        assert 0 <= label.min() <= label.max() <= 1
        covered += 0.05 < label.mean() < 0.9
    assert covered > 50


def test_a_label_with_a_part_cut_out_is_never_learned_from_as_it_is(
    synthesis: Synthesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.segmenter.synthesis.REAL_SHARE", 1.0)
    monkeypatch.setattr("scripts.segmenter.synthesis.DYED_SHARE", 0.0)
    monkeypatch.setattr("scripts.segmenter.synthesis._photographed", lambda _, picture: picture)
    seen = set()
    for seed in range(40):
        picture, label = synthesis.sample(np.random.default_rng(seed), SIDE)
        seen.add(tuple(np.median(picture[label > 0.99], axis=0).astype(int)))
    assert seen == {BLUE, (200, 40, 50)}


def test_a_dyed_garment_lies_on_its_own_ground(synthesis: Synthesis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.segmenter.synthesis.REAL_SHARE", 1.0)
    monkeypatch.setattr("scripts.segmenter.synthesis._photographed", lambda _, picture: picture)
    made = []
    for share in (0.0, 1.0):
        monkeypatch.setattr("scripts.segmenter.synthesis.DYED_SHARE", share)
        made.append([synthesis.sample(np.random.default_rng(seed), SIDE) for seed in range(20)])
    changed = 0
    for (plain, label), (dyed, same) in zip(*made, strict=True):
        np.testing.assert_array_equal(label, same)
        np.testing.assert_array_equal(plain[label == 0], dyed[label == 0])
        changed += bool((plain[label == 1] != dyed[label == 1]).any())
    assert changed > 10


@pytest.mark.parametrize("seed", range(12))
def test_a_hanger_lies_at_the_garments_top(seed: int) -> None:
    _, mask = garment(BLUE, SIDE, SIDE)
    behind, before = hanger(np.random.default_rng(seed), mask)

    rows = np.nonzero((behind + before).max(1) > 0.5)[0]
    assert len(rows)
    assert rows[0] < 60  # The hook stands above the garment.
    assert rows[-1] < 60 + 0.45 * SIDE
    assert before.sum() < 0.1 * mask.sum()


def test_a_hand_comes_from_the_edge_of_the_picture() -> None:
    shape, skin = hand(np.random.default_rng(3), SIDE, (96, 96))

    border = np.concatenate([shape[0], shape[-1], shape[:, 0], shape[:, -1]])
    assert border.max() > 0.5
    assert skin[0] > skin[1] > skin[2]


def hung(colour: tuple[int, int, int], clip: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trousers with two clips that the mask took along: photo, mask, clips."""
    photo, mask = garment(colour)
    clips = np.zeros(mask.shape, bool)
    for left in (48, 100):
        clips[52:66, left : left + 12] = True
    photo[clips] = clip
    return photo, (mask > 0) | clips, clips


def test_clips_are_cut_from_the_labels_of_lighter_trousers() -> None:
    photo, mask, clips = hung(BLUE, BLACK)

    parts = hanger_parts(photo, mask, clipped=True)

    assert parts[clips].mean() > 0.95
    assert np.count_nonzero(parts & ~clips) < 0.3 * np.count_nonzero(clips)


def test_what_is_no_darker_than_the_garment_stays() -> None:
    for colour, clip in ((BLACK, BLACK), (BLUE, WHITE)):
        photo, mask, _ = hung(colour, clip)
        assert not hanger_parts(photo, mask, clipped=True).any()


def test_a_dark_waistband_stays() -> None:
    photo, mask = garment(BLUE)
    photo[60:72, 40:-40] = BLACK

    assert not hanger_parts(photo, mask > 0, clipped=True).any()


def test_a_dark_hook_is_cut_from_a_shirts_label_and_its_dark_print_stays() -> None:
    photo, mask = garment(WHITE)
    hook = np.zeros(mask.shape, np.uint8)
    cv2.line(hook, (80, 60), (80, 40), 1, 3)
    photo[hook > 0] = BLACK
    photo[64:76, 60:100] = BLACK  # Near the top, but as wide as a print.

    parts = hanger_parts(photo, (mask > 0) | (hook > 0), clipped=False)

    assert parts[40:56][hook[40:56] > 0].mean() > 0.9
    assert not parts[66:].any()

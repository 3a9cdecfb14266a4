"""The way from a clean pattern back to the photo."""

from __future__ import annotations

import numpy as np

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.warp import RigidWarp, Trace, rigid_warp

PX_PER_M = 800.0
SLEEVED = np.array(
    [
        *([-0.1, 0], [0.1, 0], [0.22, -0.05], [0.5, -0.35], [0.41, -0.44], [0.25, -0.25]),
        *([0.25, -0.7], [-0.25, -0.7], [-0.25, -0.25], [-0.41, -0.44], [-0.5, -0.35], [-0.22, -0.05]),
    ]
)
"""Corners of a top, metres; corners 2 to 5 are the left sleeve's."""


def in_photo(metres: Float64) -> Float64:
    return PX_PER_M * np.array([1.0, -1.0]) * metres + np.array([500.0, 60.0])


def laid(corners_px: Float64, wobble_px: float = 0.0) -> RigidWarp:
    t = np.linspace(0, 1, 30)[:, None]
    border = [a + t * (b - a) for a, b in zip(SLEEVED, np.roll(SLEEVED, -1, axis=0), strict=True)]
    lines = [a + t * (b - a) for a, b in zip(corners_px, np.roll(corners_px, -1, axis=0), strict=True)]
    for k, line in enumerate(lines):
        line[1:-1] += wobble_px * np.sin(40.0 * t[1:-1] + k)
    return rigid_warp(border, [Trace(*pair) for pair in zip(border, lines, strict=True)], (PX_PER_M, PX_PER_M))


def sizes(warp: RigidWarp, at: Float64) -> Float64:
    """Largest and smallest stretch of the map around points, 1 where it is as large as the photo says."""
    step = 0.02
    x, y = (warp.to_photo(at + step * axis) - warp.to_photo(at - step * axis) for axis in np.eye(2))
    return np.linalg.svd(np.stack([x, y], axis=-1) / (2 * step * PX_PER_M), compute_uv=False)


CHEST = np.stack([a.ravel() for a in np.meshgrid(np.linspace(-0.15, 0.15, 7), np.linspace(-0.6, -0.15, 9))], axis=1)


def test_a_pattern_that_lies_as_cut_is_mapped_exactly_and_back() -> None:
    warp = laid(in_photo(SLEEVED))
    assert np.abs(warp.to_photo(CHEST) - in_photo(CHEST)).max() < 0.1
    assert np.abs(warp.from_photo(in_photo(CHEST)) - CHEST).max() < 1e-3
    assert warp.folded == 0
    assert warp.distortion < 1.01


def test_a_wobbly_outline_leaves_the_middle_rigid() -> None:
    warp = laid(in_photo(SLEEVED), wobble_px=12.0)
    assert np.abs(sizes(warp, CHEST) - 1).max() < 0.08
    assert warp.folded == 0


def test_a_sleeve_that_hangs_in_the_photo_turns_as_a_whole() -> None:
    hanging = SLEEVED.copy()
    turn = np.radians(-22)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    root = (SLEEVED[2] + SLEEVED[5]) / 2
    hanging[3:5] = (SLEEVED[3:5] - root) @ matrix.T + root
    warp = laid(in_photo(hanging))
    sleeve = np.array([[0.37, -0.29], [0.40, -0.34], [0.43, -0.36]])
    assert np.abs(sizes(warp, sleeve) - 1).max() < 0.25
    assert np.abs(sizes(warp, CHEST[np.abs(CHEST[:, 0]) < 0.11]) - 1).max() < 0.1
    assert np.linalg.norm(warp.to_photo(SLEEVED[3:5]) - in_photo(hanging[3:5]), axis=1).max() < 12
    assert warp.folded < 0.01


def test_a_line_that_goes_the_wrong_way_is_told_as_a_fold() -> None:
    crossed = in_photo(SLEEVED)
    crossed[[6, 7]] = crossed[[7, 6]]
    warp = laid(crossed)
    assert warp.folded > 0.05
    assert warp.distortion > 2

"""The studio's parts, each against what geometry says."""

from __future__ import annotations

import importlib.resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashquick_common.errors import SimulationFailed
from fashquick_generation.engine import Figure
from fashquick_generation.studio.colour import linear
from fashquick_generation.studio.drape import coverage, gates
from fashquick_generation.studio.figure import baked, body, poses
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.mesh import edges_of, subdivided, vertex_normals

CUBE_POINTS = np.array([[x, y, z] for x in (-1.0, 1) for y in (-1.0, 1) for z in (-1.0, 1)])
_CUBE_SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
CUBE_FACES = np.array([half for a, b, c, d in _CUBE_SIDES for half in ((a, b, c), (a, c, d))], np.int32)


def test_key_points_and_skin_move_together() -> None:
    model = body.load(Figure("woman"), frozenset(Companion))
    rest = model.posed(np.tile(np.eye(3), (len(model.bones), 1, 1)))
    posed = model.posed(poses.rotations(model, poses.named("a-pose")))
    for joint in ("left_elbow", "right_shoulder", "left_wrist"):
        near = np.linalg.norm(rest.vertices - rest.keypoints[joint], axis=1) < 0.08
        before = rest.vertices[near].mean(axis=0) - rest.keypoints[joint]
        after = posed.vertices[near].mean(axis=0) - posed.keypoints[joint]
        assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), abs=0.02)
    assert posed.companions[Companion.SHOES][:, 2].min() == pytest.approx(0.0, abs=1e-9)


def test_arms_point_where_a_pose_says() -> None:
    model = body.load(Figure("man"), frozenset(Companion))
    posed = model.posed(poses.rotations(model, poses.arms_out(40.0)))
    arm = posed.keypoints["left_elbow"] - posed.keypoints["left_shoulder"]
    assert np.degrees(np.arctan2(arm[0], -arm[2])) == pytest.approx(40, abs=6)


@given(st.floats(0, 1))
def test_between_poses_ends_are_the_poses(t: float) -> None:
    first, last = poses.named("relaxed"), poses.named("walk")
    half = poses.between(first, last, t)
    low, high = sorted((first.left.upper[1], last.left.upper[1]))
    assert low - 1e-9 <= half.left.upper[1] <= high + 1e-9


def test_subdivision_keeps_a_closed_surface_closed() -> None:
    points, faces, _ = subdivided(CUBE_POINTS, CUBE_FACES, np.zeros((8, 1)))
    assert len(faces) == 4 * len(CUBE_FACES)
    assert not edges_of(faces).border.any()
    assert np.abs(points).max() <= 1
    assert np.linalg.norm(points, axis=1).max() < np.sqrt(3) * 0.7


def test_normals_point_outward() -> None:
    assert ((vertex_normals(CUBE_POINTS, CUBE_FACES) * CUBE_POINTS).sum(axis=1) > 0.9).all()


@given(st.integers(0, 255))
def test_linear_light_and_back(code: int) -> None:
    light = float(linear(np.array([code], np.uint8))[0])
    encoded = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    assert 255 * encoded == pytest.approx(code, abs=0.02)


def test_the_notice_belongs_to_the_baked_data() -> None:
    notice = (
        importlib.resources.files("fashquick_generation.studio.figure").joinpath("data/NOTICE.md").read_text("utf-8")
    )
    assert baked.digest() in notice


def test_an_arm_that_has_broken_through_its_sleeve_is_noticed() -> None:
    model = body.load(Figure("woman"), frozenset(Companion))
    posed = model.posed(poses.rotations(model, poses.named("relaxed")))
    shoulder, elbow = posed.keypoints["left_shoulder"], posed.keypoints["left_elbow"]
    axis = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    across = np.cross(axis, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    ring = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    circle = 0.065 * (np.cos(ring)[:, None] * across + np.sin(ring)[:, None] * np.cross(axis, across))
    sleeve = np.concatenate([shoulder + along * axis + circle for along in np.arange(0.04, 0.24, 0.012)])
    whole = coverage.bare_share(sleeve, np.ones(len(sleeve), bool), posed, "left")
    half = sleeve[(sleeve - shoulder) @ across > 0]
    assert whole < 0.05
    assert coverage.bare_share(half, np.ones(len(half), bool), posed, "left") > 0.2
    with pytest.raises(SimulationFailed):
        gates.check_sleeves(0.3)

"""Where the inside of a drawn garment is seen, and what the network's file must be."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.errors import ModelNotInstalled
from fashquick_common.garment import Area, Category, LandmarkName
from fashquick_features.recognition import packaged
from fashquick_features.shape import inside, outline


@pytest.fixture(scope="module")
def finder() -> inside.InsideFinder:
    return inside.InsideFinder()


def found(finder: inside.InsideFinder, drawn: DrawnGarment) -> tuple[Area, ...]:
    shape = outline.trace(drawn.alpha)
    frame = outline.upright_frame(shape)
    height, width = drawn.alpha.shape
    return finder.find(inside.upper_part(drawn.photo, drawn.alpha, shape.points, frame, inside.WIDTH), width, height)


@pytest.mark.parametrize(("seed", "tilt"), [(0, 0.0), (3, 0.0), (6, 8.0), (9, -8.0)])
def test_the_inside_of_the_back_is_seen_through_the_neck(finder: inside.InsideFinder, seed: int, tilt: float) -> None:
    drawn = draw(Category.T_SHIRT, seed, tilt_deg=tilt)
    marks = {name: np.array(place) for name, place in drawn.landmarks.items()}
    across = marks[LandmarkName.NECK_LEFT] - marks[LandmarkName.NECK_RIGHT]
    opening = [marks[LandmarkName.NECK_RIGHT], marks[LandmarkName.COLLAR_BOTTOM], marks[LandmarkName.NECK_LEFT]]
    largest = np.array(found(finder, drawn)[0].corners)
    middle = np.mean(opening, axis=0)
    assert cv2.pointPolygonTest(largest.astype(np.float32), (float(middle[0]), float(middle[1])), measureDist=False) > 0
    below = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    depth = ((largest - marks[LandmarkName.COLLAR_BOTTOM]) @ below).max()
    assert abs(depth) < 0.2 * np.linalg.norm(across)


@pytest.mark.parametrize("category", [Category.TROUSERS, Category.SKIRT, Category.SHORTS])
def test_a_garment_that_shows_its_outside_alone_has_no_inside(finder: inside.InsideFinder, category: Category) -> None:
    assert found(finder, draw(category, 1)) == ()


def test_areas_lie_on_the_photo_also_where_it_cuts_the_garment_off(finder: inside.InsideFinder) -> None:
    drawn = draw(Category.T_SHIRT, 0)
    top = int(drawn.landmarks[LandmarkName.NECK_LEFT][1]) + 2
    photo, alpha = np.ascontiguousarray(drawn.photo[top:]), np.ascontiguousarray(drawn.alpha[top:])
    shape = outline.trace(alpha)
    height, width = alpha.shape
    view = inside.upper_part(photo, alpha, shape.points, outline.upright_frame(shape), inside.WIDTH)
    areas = finder.find(view, width, height)
    corners = np.array([corner for area in areas for corner in area.corners]).reshape(-1, 2)
    assert len(corners)
    assert (corners >= 0).all()
    assert (corners <= (width, height)).all()


def test_a_damaged_network_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / inside.NETWORK_FILE).write_bytes(b"no network")
    monkeypatch.setattr(packaged.resources, "files", lambda _: tmp_path)
    with pytest.raises(ModelNotInstalled, match=r"inside\.onnx cannot be read"):
        inside.InsideFinder()

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashquick_common.errors import BadField, BadMask
from fashquick_generation.diffusion.stages import conditions as stage
from fashquick_generation.diffusion.stages.conditions import Conditions, conditions_of, conditions_of_maps
from fashquick_generation.engine import Backdrop, BackdropKind, GenerationJob, MapKind, Picture, View, Visibility
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.photograph.keypoints import OPENPOSE_COLOURS, OPENPOSE_POINTS
from fashquick_generation.wishes import DiffusionWishes
from tests.support.studio import pictured


@pytest.fixture(scope="module")
def front(generator: StudioGenerator, job: GenerationJob) -> Picture:
    return pictured(generator, stage.studio_job(job))


@pytest.fixture(scope="module")
def back(generator: StudioGenerator, job: GenerationJob) -> Picture:
    clear = replace(job, views=(View(yaw_degrees=180.0),), backdrop=Backdrop(BackdropKind.TRANSPARENT))
    return pictured(generator, stage.studio_job(clear))


def repair_maps(found: Conditions) -> dict[MapKind, np.ndarray]:
    return {
        MapKind.BASE: found.base,
        MapKind.DEPTH: found.depth,
        MapKind.POSE: found.pose,
        MapKind.GARMENT_MASK: found.garment,
    }


def point(found: Conditions, name: str) -> tuple[int, int]:
    at = next(at for at in found.key_points if at.name == name)
    return round(at.y), round(at.x)


def test_conditions_show_what_the_picture_shows(front: Picture, job: GenerationJob) -> None:
    found = conditions_of(front)
    assert found.size == (job.width, job.height)
    assert (found.base == front.rgb).all()
    chest = point(found, "neck")[0] + 40, point(found, "neck")[1]
    assert found.garment[chest] == 255
    assert found.index[chest] == 1
    assert found.depth[chest] > 100
    assert found.depth[0, 0] == 0
    assert found.of_part(Part.HEAD)[point(found, "nose")] == 255
    assert found.of_part(Part.HAND_LEFT).any()
    assert found.of_part(Part.HAND_RIGHT).any()
    assert (found.pose[point(found, "nose")] == OPENPOSE_COLOURS[OPENPOSE_POINTS.index("nose")]).all()


def test_a_back_has_no_nose_in_its_pose(back: Picture) -> None:
    found = conditions_of(back)
    assert {at.name: at.visibility for at in found.key_points}["nose"] is Visibility.HIDDEN
    nose, wrist = (OPENPOSE_COLOURS[OPENPOSE_POINTS.index(name)] for name in ("nose", "left_wrist"))
    assert not (found.pose == nose).all(axis=2).any()
    assert (found.pose == wrist).all(axis=2).any()


def test_a_transparent_backdrop_becomes_grey_and_transparent_again(back: Picture) -> None:
    assert back.alpha is not None
    found = conditions_of(back)
    assert np.ptp(found.base[back.alpha == 0].astype(int), axis=0).max() == 0
    assert 200 < found.base[0, 0].min() <= found.base[0, 0].max() < 245
    again = stage.off_ground(found.base, back.alpha)
    told = back.alpha > 127
    assert np.abs(again[told].astype(int) - back.rgb[told]).max() <= 2
    assert (again[back.alpha == 0] == 255).all()


def test_conditions_of_a_repair_are_those_of_the_picture(front: Picture) -> None:
    found = conditions_of(front)
    again = conditions_of_maps(repair_maps(found))
    for name in ("base", "depth", "pose", "garment"):
        assert (getattr(again, name) == getattr(found, name)).all()
    assert ((again.index > 0) == (found.garment > 127)).all()


def test_maps_of_a_repair_are_looked_at(front: Picture) -> None:
    maps = repair_maps(conditions_of(front))
    with pytest.raises(BadField, match="depth is missing"):
        conditions_of_maps({kind: image for kind, image in maps.items() if kind is not MapKind.DEPTH})
    with pytest.raises(BadField, match="pose is"):
        conditions_of_maps(maps | {MapKind.POSE: maps[MapKind.DEPTH]})
    with pytest.raises(BadField, match="depth is"):
        conditions_of_maps(maps | {MapKind.DEPTH: maps[MapKind.DEPTH][:8]})
    with pytest.raises(BadMask, match="empty"):
        conditions_of_maps(maps | {MapKind.GARMENT_MASK: np.zeros_like(maps[MapKind.DEPTH])})


def test_sizes_must_be_multiples_of_8() -> None:
    with pytest.raises(BadField, match="choose 256 or 264") as refused:
        stage.check_size(260, 384)
    assert refused.value.field == "width"
    stage.check_size(264, 392)


def test_an_upscaled_picture_is_made_large_at_once(job: GenerationJob) -> None:
    asked = stage.studio_job(replace(job, diffusion=DiffusionWishes(upscale=True)))
    assert (asked.width, asked.height) == (2 * job.width, 2 * job.height)


def test_a_large_picture_begins_in_its_shape_but_smaller() -> None:
    assert stage.working_size(768, 1152, 512 * 768) == (512, 768)
    assert stage.working_size(1024, 1024, 512 * 768) == (576, 576)
    assert stage.working_size(264, 392, 512 * 768) == (264, 392)


sides = st.integers(32, 384).map(lambda count: 8 * count)


@given(sides, sides, st.sampled_from((128 * 192, 512 * 512, 512 * 768, 768 * 1152)))
def test_the_first_pass_keeps_the_shape_and_its_limit(width: int, height: int, most: int) -> None:
    w, h = stage.working_size(width, height, most)
    assert w * h <= most
    assert w <= width
    assert h <= height
    assert w % 8 == h % 8 == 0
    # A step of 8 in a side of fifty is some 15 %; only shapes of 1:8 and more have such sides.
    assert abs(np.log(w * height / (h * width))) < (0.05 if max(width, height) < 3 * min(width, height) else 0.2)
    if width * height > most:
        assert w * h > 0.5 * most


def test_resized_conditions_show_the_same(front: Picture) -> None:
    found = conditions_of(front)
    small = stage.resized(found, 128, 192)
    assert small.size == (128, 192)
    for name in ("depth", "garment", "index", "skin", "pose"):
        assert getattr(small, name).shape[:2] == (192, 128)
    assert set(np.unique(small.skin)) <= set(np.unique(found.skin))
    assert ((small.garment > 0) & (small.garment < 255)).any()
    assert small.of_part(Part.HEAD)[point(small, "nose")] == 255
    assert stage.resized(found, *found.size) is found

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import Figure, Framing, GenerationJob, MapKind, Picture, Progress, View, generated
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.drape import dressing
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.photograph.maps import PART_COLOURS
from fashquick_generation.studio.sample import sample_garment
from tests.support.studio import pictured


def garment_pixels(picture: Picture) -> np.ndarray:
    return picture.rgb[picture.maps[MapKind.GARMENT_MASK] == 255]


def test_the_picture_has_the_size_asked_for(picture: Picture, job: GenerationJob) -> None:
    assert picture.rgb.shape == (job.height, job.width, 3)
    assert picture.rgb.dtype == np.uint8


def test_the_garment_keeps_its_colour(picture: Picture) -> None:
    red, green, blue = np.median(garment_pixels(picture), axis=0)
    assert abs(red - 180) < 22
    assert abs(green - 40) < 16
    assert abs(blue - 50) < 16


def test_a_white_shirt_photographed_too_dark_comes_out_white(generator: StudioGenerator, job: GenerationJob) -> None:
    grey = replace(job, garments=(sample_garment((212, 208, 200)),), maps=frozenset({MapKind.GARMENT_MASK}))
    lit = np.percentile(garment_pixels(pictured(generator, grey)), 75, axis=0)
    assert lit.min() > 228
    assert np.ptp(lit) < 8


def test_a_grey_shirt_stays_grey(generator: StudioGenerator, job: GenerationJob) -> None:
    grey = replace(job, garments=(sample_garment((140, 140, 140)),), maps=frozenset({MapKind.GARMENT_MASK}))
    median = np.median(garment_pixels(pictured(generator, grey)), axis=0)
    assert np.abs(median - 140).max() < 18


def test_no_ground_shows_on_the_garment(picture: Picture) -> None:
    ground = np.abs(garment_pixels(picture).astype(int) - 128).max(axis=1) < 25
    assert ground.mean() < 0.001


def test_the_backdrop_is_light_even_and_grey(picture: Picture) -> None:
    top = picture.rgb[:20].reshape(-1, 3).astype(int)
    assert top.min() > 215
    assert np.ptp(top.mean(axis=0)) < 4


def test_the_figure_is_dressed_from_neck_to_foot(picture: Picture) -> None:
    parts = picture.maps[MapKind.PARTS]

    def share(*skin: Part) -> float:
        bare = np.zeros(parts.shape[:2], bool)
        for part in skin:
            bare |= (parts == PART_COLOURS[part]).all(axis=2)
        return float(bare.sum() / (parts != 0).any(axis=2).sum())

    assert share(Part.HIPS, Part.THIGH_LEFT, Part.THIGH_RIGHT, Part.SHIN_LEFT, Part.SHIN_RIGHT) < 0.002
    assert share(Part.TORSO) < 0.02  # what the neckline leaves free
    assert share(Part.HEAD) > 0.02


def test_maps_show_one_scene(picture: Picture, job: GenerationJob) -> None:
    depth, normal = picture.maps[MapKind.DEPTH], picture.maps[MapKind.NORMAL]
    parts, mask = picture.maps[MapKind.PARTS], picture.maps[MapKind.GARMENT_MASK]
    assert depth.shape == mask.shape == (job.height, job.width)
    assert ((depth > 0) == (parts != 0).any(axis=2)).all()
    # Mask is seen by four samples a pixel, depth by its middle, which may lie in a slit between sleeve and trunk.
    assert (depth[mask == 255] > 0).mean() > 0.999
    assert 0.05 < (mask > 127).mean() < 0.4
    assert (normal[depth == 0] == (128, 128, 255)).all()
    assert normal[..., 2].min() >= 127
    wearers_left = parts == PART_COLOURS[Part.HAND_LEFT]
    assert np.flatnonzero(wearers_left.all(axis=2).any(axis=0)).min() > job.width / 2


def test_the_uv_map_leads_back_to_the_photo(printed_job: GenerationJob, printed: Picture) -> None:
    uv, mask = printed.maps[MapKind.GARMENT_UV], printed.maps[MapKind.GARMENT_MASK]
    photo = printed_job.garments[0].photo
    known = np.isfinite(uv).all(axis=2)
    assert uv.dtype == np.float32
    assert known[mask == 255].mean() > 0.9  # all but the inside of the neck
    assert not known[mask == 0].any()
    height, width = photo.shape[:2]
    whole = known & (mask == 255)
    columns, rows = (uv[whole] * (width, height)).astype(int).T
    from_photo, shown = photo[rows, columns].astype(int), printed.rgb[whole].astype(int)
    yellow = from_photo[:, 0] > from_photo[:, 2]
    assert yellow.mean() > 0.05
    assert ((shown[:, 0] > shown[:, 2]) == yellow).mean() > 0.97


def test_the_uv_map_of_a_back_is_empty(from_behind: Picture) -> None:
    known = np.isfinite(from_behind.maps[MapKind.GARMENT_UV]).all(axis=2)
    assert known[from_behind.maps[MapKind.GARMENT_MASK] == 255].mean() < 0.1


def test_the_skeleton_lies_on_the_figure(picture: Picture) -> None:
    pose, depth = picture.maps[MapKind.POSE], picture.maps[MapKind.DEPTH]
    drawn = (pose > 0).any(axis=2)
    assert drawn.any()
    assert (depth[drawn] > 0).mean() > 0.85


def test_the_same_job_gives_the_same_bytes(generator: StudioGenerator, job: GenerationJob, picture: Picture) -> None:
    again = pictured(generator, replace(job, maps=frozenset(MapKind)))
    assert np.array_equal(again.rgb, picture.rgb)
    for kind, image in picture.maps.items():
        assert np.array_equal(again.maps[kind], image, equal_nan=image.dtype == np.float32)


def test_another_seed_changes_only_the_dither(generator: StudioGenerator, job: GenerationJob, picture: Picture) -> None:
    other = pictured(generator, replace(job, seed=6))
    difference = np.abs(other.rgb.astype(int) - picture.rgb)
    assert 0 < difference.max() <= 1


def test_the_back_carries_no_mirrored_print(
    generator: StudioGenerator, printed_job: GenerationJob, printed: Picture
) -> None:
    behind = pictured(generator, replace(printed_job, views=(View(yaw_degrees=180.0),)))

    def share_of_yellow(picture: Picture) -> float:
        pixels = garment_pixels(picture).astype(int)
        return float((pixels[:, 0] > pixels[:, 2]).mean())

    assert share_of_yellow(printed) > 0.08
    assert share_of_yellow(behind) < 0.002


def test_an_upper_view_shows_the_garment_larger(
    generator: StudioGenerator, job: GenerationJob, picture: Picture
) -> None:
    upper = replace(job, views=(View(framing=Framing.UPPER),), maps=frozenset({MapKind.GARMENT_MASK}))
    mask = pictured(generator, upper).maps[MapKind.GARMENT_MASK]
    assert (mask > 127).sum() > 1.5 * (picture.maps[MapKind.GARMENT_MASK] > 127).sum()
    assert not mask[-1].any()


@pytest.mark.parametrize("body", ["man", "curvy"])
def test_every_body_wears_it(generator: StudioGenerator, job: GenerationJob, body: str, picture: Picture) -> None:
    other = pictured(generator, replace(job, figure=Figure(body=body)))
    assert other.facts["tension_p99"] < 1.3
    assert not np.array_equal(other.rgb, picture.rgb)


def test_every_pose_can_be_worn(generator: StudioGenerator, job: GenerationJob) -> None:
    poses = ("a-pose", "contrapposto", "hand-on-hip", "three-quarter", "walk")
    result = generated(generator, replace(job, views=tuple(View(pose=pose) for pose in poses)))
    assert [made.view for made in result.pictures] == list(range(len(poses)))
    assert all(made.facts["tension_p99"] < 1.3 for made in result.pictures)


def test_views_of_one_pose_share_a_simulation_and_give_what_each_gives_alone(
    generator: StudioGenerator,
    job: GenerationJob,
    picture: Picture,
    from_behind: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[object] = []
    posed = dressing.posed
    monkeypatch.setattr(dressing, "posed", lambda *a, **k: calls.append(a) or posed(*a, **k))

    both = generated(generator, replace(job, views=(View(yaw_degrees=180.0), View())))

    assert len(calls) == 1
    assert [made.view for made in both.pictures] == [0, 1]
    assert np.array_equal(both.pictures[0].rgb, from_behind.rgb)
    assert np.array_equal(both.pictures[1].rgb, picture.rgb)


def test_progress_never_falls_and_ends_at_one(generator: StudioGenerator, job: GenerationJob) -> None:
    seen: list[Progress] = []
    generator.generate(job, lambda event: seen.append(event) if isinstance(event, Progress) else None, CancelFlag())
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any(progress.preview is not None for progress in seen)


def test_the_digest_tells_settings_apart(generator: StudioGenerator) -> None:
    assert len(generator.digest) == 64
    assert generator.digest == type(generator)(generator._effort).digest
    assert generator.digest != StudioGenerator().digest

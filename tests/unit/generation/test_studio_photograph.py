"""Camera, light and backdrop: against what optics says, and the layers of a picture against each other."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, TextureClass
from fashquick_generation.engine import (
    Backdrop,
    BackdropKind,
    Figure,
    Framing,
    GenerationJob,
    MapKind,
    View,
    Visibility,
)
from fashquick_generation.studio.cut import drafting
from fashquick_generation.studio.drape import dressing
from fashquick_generation.studio.drape.fabrics import JERSEY
from fashquick_generation.studio.figure import body, finishes, measures, poses
from fashquick_generation.studio.figure.companions import companions_for
from fashquick_generation.studio.photograph import (
    framing,
    hems,
    keypoints,
    lighting,
    maps,
    materials,
    raster,
    render,
    scene,
    shadows,
    spin,
)
from fashquick_generation.studio.photograph.camera import DISTANCE_M, Camera, turntable
from fashquick_generation.studio.texture import textures
from tests.unit.generation.conftest import QUICK

WIDTH, HEIGHT = 160, 240


@pytest.fixture(scope="session")
def dressed(job: GenerationJob) -> dressing.Dressed:
    model = body.load(Figure(), companions_for([Category.T_SHIRT]))
    upright = model.posed(poses.rotations(model, poses.arms_out(45.0)))
    pattern = drafting.drafted(job.garments[0], measures.measured(upright), CancelFlag())
    outfit = dressing.fallen(
        model, [dressing.Piece(pattern, JERSEY)], effort=QUICK, on_frame=lambda: None, cancel=CancelFlag()
    )
    return dressing.posed(outfit, poses.named("relaxed"), on_frame=lambda: None, cancel=CancelFlag())


@pytest.fixture(scope="session")
def sitting(dressed: dressing.Dressed) -> render.Sitting:
    return render.seated(scene.assembled(dressed, CancelFlag()), [None], finishes.named(""), CancelFlag())


def plain(colour: tuple[float, float, float], sheen: float = 0.1) -> textures.Texture:
    image = np.tile(np.array(colour, np.float32), (8, 8, 1))
    return textures.Texture(image, image, image, np.zeros(2), 0.01, sheen)


def shot(
    sitting: render.Sitting,
    backdrop: Backdrop,
    colour: tuple[float, float, float] = (0.3, 0.1, 0.1),
    camera: Camera | None = None,
) -> render.Shot:
    camera = camera or framing.camera_for(View(), sitting.world, WIDTH, HEIGHT)
    return render.photographed(
        sitting, camera, [plain(colour)], backdrop, seed=1, on_share=lambda _: None, cancel=CancelFlag()
    )


def lightness(rgb: np.ndarray) -> np.ndarray:
    code = rgb / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    return 116 * np.cbrt(light) - 16


def test_the_nearer_of_two_faces_is_seen_at_its_true_depth() -> None:
    points = turntable(0.0, np.zeros(3), 4.0, 64, 64).project(
        np.array([[x, y, z] for y in (0.0, 1.0) for x, z in ((-9, -9), (9, -9), (0, 9))])
    )
    faces = np.array([[3, 4, 5], [0, 1, 2]], np.int32)

    def seen(nearer: np.ndarray) -> raster.Visible:
        return raster.visible(
            points, faces, nearer, closed=0, width=64, rows=(0, 64), samples=raster.ROTATED_GRID, cancel=CancelFlag()
        )

    assert (seen(np.zeros(6)).face == 1).all()
    assert seen(np.zeros(6)).depth[32, 32, 0] == pytest.approx(DISTANCE_M, abs=0.01)
    assert (seen(np.r_[np.zeros(3), np.full(3, 1.5)]).face == 0).all()


@pytest.mark.parametrize("yaw", [0.0, 0.7, 3.1])
def test_light_is_one_towards_the_camera_and_less_under_a_roof(yaw: float) -> None:
    roof = np.array([[-3.0, -3, 1], [3, -3, 1], [3, 3, 1], [-3, 3, 1]])
    hiding = shadows.shadow_maps(roof, np.array([[0, 1, 2], [0, 2, 3]], np.int32), CancelFlag())
    normals = np.array([[np.sin(yaw), -np.cos(yaw), 0], [0, 0, 1], [0, 0, 1]], np.float32)
    points = np.array([[0, -40, 0.5], [0, -40, 0.5], [0, 0, 0.5]], np.float32)
    places = np.zeros(3, np.int32)
    front, free, under = hiding.irradiance(points, normals, places, lighting.powers(yaw), CancelFlag())
    assert front == pytest.approx(1, abs=0.01)
    assert under < 0.4 * free


def test_layers_over_a_colour_give_the_picture_before_that_colour(sitting: render.Sitting) -> None:
    layers = shot(sitting, Backdrop(BackdropKind.TRANSPARENT))
    white = shot(sitting, Backdrop(BackdropKind.WHITE))
    alpha, shadow = (layer[..., None] / 255 for layer in (layers.alpha, layers.shadow))
    mixed = alpha * layers.rgb + (1 - alpha) * (1 - shadow) * 255
    away = np.abs(mixed - white.rgb)
    assert away[alpha[..., 0] == 1].max() <= 1
    assert away.mean() < 0.6
    assert away[(alpha[..., 0] == 0)].max() < 7  # the shadow's darkest: sRGB is no pure power
    assert 0 < layers.shadow.max() < 255


def test_a_white_backdrop_is_white_and_white_cloth_is_told_from_it(sitting: render.Sitting) -> None:
    white = shot(sitting, Backdrop(BackdropKind.WHITE), (0.85, 0.85, 0.85))
    assert white.rgb[:10].min() >= 254
    cloth = lightness(white.rgb[white.garments[0] == 255])
    assert 92 < np.percentile(cloth, 60) < 97
    assert np.percentile(cloth, 2) > 55  # no black folds
    assert (white.rgb[white.garments[0] == 255].min(axis=1) >= 254).mean() < 0.02


def test_highlights_keep_their_hue(sitting: render.Sitting) -> None:
    colour = np.array([0.9, 0.45, 0.225])
    bright = shot(sitting, Backdrop(), tuple(colour))
    code = bright.rgb[bright.garments[0] == 255] / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    ratio = light[:, 0] / light[:, 1]
    assert np.abs(np.percentile(ratio, (10, 90)) - 2).max() < 0.25


@pytest.mark.parametrize(("kind", "expected"), [(BackdropKind.COLOUR, 1), (BackdropKind.GRADIENT, 2)])
def test_a_backdrop_has_its_colours(sitting: render.Sitting, kind: BackdropKind, expected: int) -> None:
    picture = shot(sitting, Backdrop(kind, top=(200, 120, 90), bottom=(90, 120, 200))).rgb.astype(int)
    assert np.abs(picture[0, WIDTH // 2] - (200, 120, 90)).max() < 14
    below = picture[-1, 0]
    assert (below[0] < below[2]) == (expected == 2)


def test_the_floor_is_darkest_between_the_feet(sitting: render.Sitting) -> None:
    shadow = shot(sitting, Backdrop()).shadow
    row, column = np.unravel_index(shadow.argmax(), shadow.shape)
    assert row > 0.9 * HEIGHT
    assert abs(column - WIDTH / 2) < 0.15 * WIDTH
    assert shadow[: HEIGHT // 2].max() == 0


@pytest.mark.parametrize("yaw", [0.0, 90.0, 200.0])
@pytest.mark.parametrize("size", [(160, 240), (240, 160)])
def test_a_full_picture_holds_the_whole_figure(sitting: render.Sitting, yaw: float, size: tuple[int, int]) -> None:
    camera = framing.camera_for(View(yaw_degrees=yaw), sitting.world, *size)
    x, y, _ = camera.project(sitting.world.vertices).T
    assert 0.02 * size[1] < y.min()
    assert y.max() < 0.98 * size[1]
    assert x.min() > 0.02 * size[0]
    assert x.max() < 0.98 * size[0]
    assert (x.min() + x.max()) / 2 == pytest.approx(size[0] / 2, abs=0.02 * size[0])


def test_a_shirt_is_shown_from_the_hips_up_with_all_of_its_hem(sitting: render.Sitting) -> None:
    auto = framing.camera_for(View(framing=Framing.AUTO), sitting.world, WIDTH, HEIGHT)
    upper = framing.camera_for(View(framing=Framing.UPPER), sitting.world, WIDTH, HEIGHT)
    assert auto.focal_px == upper.focal_px
    mask = shot(sitting, Backdrop(), camera=upper).garments[0]
    assert mask.any()
    assert not mask[-2:].any()


def test_a_turntable_is_an_endless_animation_of_a_whole_turn(sitting: render.Sitting) -> None:
    made = spin.turntable(
        sitting,
        [plain((0.3, 0.1, 0.1))],
        Backdrop(),
        width=96,
        height=144,
        seed=1,
        frames=4,
        on_share=lambda _: None,
        cancel=CancelFlag(),
    )
    with Image.open(io.BytesIO(made)) as film:
        assert (film.format, film.size, film.n_frames, film.info["loop"]) == ("WEBP", (96, 144), 4, 0)
        frames = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(film)]
    figure = [np.abs(frame - frame[:1, :1]).max(axis=2) > 60 for frame in frames]
    assert figure[0].sum() > 1.2 * figure[1].sum()  # narrower from the side
    assert np.abs(frames[0][:60] - frames[2][:60]).max() > 30  # no nose behind


def test_maps_are_aligned_and_key_points_lie_in_the_picture(sitting: render.Sitting) -> None:
    camera = framing.camera_for(View(yaw_degrees=20.0), sitting.world, WIDTH, HEIGHT)
    picture = shot(sitting, Backdrop(), camera=camera)
    seen = maps.seen_by(camera, sitting.world, CancelFlag())
    drawn = maps.drawn(
        frozenset(MapKind),
        sitting.world,
        camera,
        seen,
        picture,
        photo_sizes=[(400, 420)],
        cancel=CancelFlag(),
    )
    depth, kept = drawn[MapKind.DEPTH], drawn[MapKind.PROTECTED]
    # The picture has four samples a pixel, the maps one: a silhouette's corner may fall between.
    assert (depth[picture.alpha == 255] > 0).mean() > 0.999
    assert not depth[picture.alpha == 0].any()
    assert (kept[picture.garments[0] == 255] == 255).all()
    assert not kept[picture.alpha == 0].any()
    head = (drawn[MapKind.PARTS] == maps.PART_COLOURS[body.Part.HEAD]).all(axis=2)
    assert (kept[head] == 255).all()
    points = {point.name: point for point in keypoints.key_points(sitting.world.body, camera, seen.depth)}
    assert len(points) == 18
    assert all(picture.alpha[int(point.y), int(point.x)] for point in points.values())
    assert points["left_wrist"].x > points["right_wrist"].x
    assert points["nose"].visibility is Visibility.VISIBLE
    behind = framing.camera_for(View(yaw_degrees=180.0), sitting.world, WIDTH, HEIGHT)
    turned = maps.seen_by(behind, sitting.world, CancelFlag())
    assert keypoints.key_points(sitting.world.body, behind, turned.depth)[0].visibility is Visibility.HIDDEN


def test_the_number_of_threads_changes_nothing(sitting: render.Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "BAND_PIXELS", 40 * WIDTH)
    several = shot(sitting, Backdrop())
    monkeypatch.setattr(render, "in_order", map)
    alone = shot(sitting, Backdrop())
    for one, other in zip(
        (several.rgb, several.alpha, several.shadow), (alone.rgb, alone.alpha, alone.shadow), strict=True
    ):
        assert np.array_equal(one, other)


def test_black_cloth_whose_photo_shows_no_gloss_gets_none(sitting: render.Sitting) -> None:
    patent = replace(sitting, materials=(*sitting.materials[:-1], materials.CLOTH[TextureClass.LEATHER]))
    camera = framing.camera_for(View(), sitting.world, WIDTH, HEIGHT)

    def brightest(sheen: float) -> float:
        made = render.photographed(
            patent,
            camera,
            [plain((0.005, 0.005, 0.005), sheen)],
            Backdrop(BackdropKind.GREY),
            seed=1,
            on_share=lambda _: None,
            cancel=CancelFlag(),
        )
        return float(np.percentile(lightness(made.rgb[made.garments[0] == 255]), 95))

    assert brightest(0.1) > brightest(0.0) + 10


def test_a_hem_is_not_turned_in_beyond_the_cloth() -> None:
    x = np.linspace(0, 0.1, 6)
    for deep, turned_in in ((0.003, 0.003), (0.05, hems.TURNED_IN_M)):
        cloth = np.concatenate([np.stack([x, 0 * x, np.full(6, z)], axis=1) for z in (0.0, deep)])
        quads = [(k, k + 1, k + 7, k + 6) for k in range(5)]
        faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)
        normals = np.tile((0.0, -1.0, 0.0), (len(cloth), 1))
        hem = hems.hem(cloth, normals, faces)
        below = hem.source == 2
        assert hem.vertices[below, 2].max() == pytest.approx(turned_in, abs=1e-9)

"""Pictures of the scene's geometry: what other image generators take as conditions."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import MapKind
from fashquick_generation.studio.arrays import Float32, Int32, UInt8
from fashquick_generation.studio.figure.body import PosedBody
from fashquick_generation.studio.photograph import raster
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.raster import Visible
from fashquick_generation.studio.photograph.scene import Kind, Scene

NEAREST, FARTHEST = 255, 40
"""Codes of the nearest and farthest visible point in a depth map; 0 is the background."""

OPENPOSE_POINTS = (
    "nose",
    "",  # the neck, between the shoulders
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
OPENPOSE_LIMBS = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
OPENPOSE_COLOURS = (
    (255, 0, 0),
    (255, 85, 0),
    (255, 170, 0),
    (255, 255, 0),
    (170, 255, 0),
    (85, 255, 0),
    (0, 255, 0),
    (0, 255, 85),
    (0, 255, 170),
    (0, 255, 255),
    (0, 170, 255),
    (0, 85, 255),
    (0, 0, 255),
    (85, 0, 255),
    (170, 0, 255),
    (255, 0, 255),
    (255, 0, 170),
    (255, 0, 85),
)
LIMB_DIM = 0.6
"""Brightness of limbs against joints, as OpenPose's renderer draws them."""
LINE_SHARE = 1 / 130
"""Half a limb's width as a share of the picture's shorter side."""

BAND_ROWS = 64
"""Rows of a step of the normal map, for a short time between looks at the cancel flag."""

PART_COLOURS = np.array(
    [
        (60, 60, 200),
        (250, 210, 120),
        (200, 90, 60),
        (230, 130, 60),
        (160, 200, 60),
        (60, 200, 120),
        (250, 90, 160),
        (160, 90, 250),
        (90, 160, 250),
        (60, 110, 200),
        (60, 200, 220),
        (40, 160, 170),
        (200, 200, 80),
        (160, 160, 40),
        (240, 180, 180),
        (120, 60, 160),
    ],
    np.uint8,
)
"""Colour of each body `Part`."""
KIND_COLOURS = {
    Kind.TOP: (70, 70, 70),
    Kind.TROUSERS: (40, 40, 40),
    Kind.LEGGINGS: (40, 40, 40),
    Kind.SHOES: (110, 110, 110),
    Kind.FRONT: (255, 255, 255),
    Kind.BACK: (255, 255, 255),
}


def drawn(
    kinds: frozenset[MapKind],
    scene: Scene,
    camera: Camera,
    garment: UInt8,
    *,
    photo_size: tuple[int, int],
    cancel: CancelFlag,
) -> dict[MapKind, UInt8 | Float32]:
    """The maps asked for.

    Args:
        kinds: Which.
        scene: What is there.
        camera: The picture's.
        garment: HxW uint8, the garment's coverage of each pixel.
        photo_size: Width and height of the garment's photo.
        cancel: Checked between steps.
    """
    points = camera.project(scene.vertices)
    visible = raster.visible(points, scene.faces, scene.nearer, camera.width, camera.height, cancel)
    seen = visible.face >= 0
    makers: dict[MapKind, Callable[[], UInt8 | Float32]] = {
        MapKind.DEPTH: lambda: _depth(visible.depth),
        MapKind.NORMAL: lambda: _normal(scene, visible, camera, cancel),
        MapKind.PARTS: lambda: _parts(scene, visible.face, scene.faces[visible.face[seen]]),
        MapKind.POSE: lambda: _pose(scene.body, camera),
        MapKind.GARMENT_MASK: lambda: garment,
        MapKind.GARMENT_UV: lambda: _garment_uv(scene, visible, camera, photo_size, cancel),
        MapKind.GARMENT_INDEX: lambda: (seen & (scene.kind[visible.face] >= Kind.FRONT)).astype(np.uint8),
    }
    out: dict[MapKind, UInt8 | Float32] = {}
    for kind in sorted(kinds):
        cancel.check()
        out[kind] = makers[kind]()
    return out


def _depth(depth: Float32) -> UInt8:
    seen = depth < 1e8
    near, far = float(depth[seen].min()), float(depth[seen].max())
    code = NEAREST - (NEAREST - FARTHEST) * (depth - near) / max(far - near, 1e-6)
    return np.where(seen, np.round(code), 0).astype(np.uint8)


def _normal(scene: Scene, visible: Visible, camera: Camera, cancel: CancelFlag) -> UInt8:
    """Red right, green up, blue towards the camera; the background faces the camera."""
    axes = np.stack([camera.right, camera.up, -camera.forward], axis=1)
    image = np.empty((*visible.face.shape, 3), np.uint8)
    image[:] = (128, 128, 255)
    for first in range(0, len(image), BAND_ROWS):
        cancel.check()
        band = slice(first, first + BAND_ROWS)
        seen = visible.face[band] >= 0
        weights = _weights(visible.corner[band][seen])
        normals = (scene.normals[scene.faces[visible.face[band][seen]]] * weights[..., None]).sum(axis=1)
        local = normals @ axes
        local *= np.where(local[:, 2:] < 0, -1, 1)
        local /= np.linalg.norm(local, axis=1, keepdims=True) + 1e-9
        image[band][seen] = np.round(127.5 * (local + 1))
    return image


def _garment_uv(
    scene: Scene, visible: Visible, camera: Camera, photo_size: tuple[int, int], cancel: CancelFlag
) -> Float32:
    """Places in the photo, 0 to 1; NaN where no outside of the front panel, which alone has its pixels, is seen."""
    uv = np.full((*visible.face.shape, 2), np.nan, np.float32)
    a, b, c = (scene.vertices[scene.faces[:, k]] for k in range(3))
    outward = (np.cross(b - a, c - a) * (camera.eye - a)).sum(axis=1) > 0
    shows_photo = outward & (scene.kind == Kind.FRONT)
    for first in range(0, len(uv), BAND_ROWS):
        cancel.check()
        band = slice(first, first + BAND_ROWS)
        seen = (visible.face[band] >= 0) & shows_photo[visible.face[band]]
        weights = _weights(visible.corner[band][seen])
        at = (scene.pixels[scene.faces[visible.face[band][seen]]] * weights[..., None]).sum(axis=1) / photo_size
        inside = ((at >= 0) & (at <= 1)).all(axis=1)
        uv[band][seen] = np.where(inside[:, None], at, np.nan)
    return uv


def _weights(corner: Float32) -> Float32:
    """Nx3 weights of all corners from those of the second and third."""
    return np.concatenate([1 - corner.sum(axis=1, keepdims=True), corner], axis=1)


def _parts(scene: Scene, face: Int32, corners: Int32) -> UInt8:
    image = np.zeros((*face.shape, 3), np.uint8)
    kind = scene.kind[face]
    seen = face >= 0
    skin = np.zeros_like(corners[:, 0])
    is_skin = kind[seen] == Kind.SKIN
    skin[is_skin] = scene.body.model.parts[corners[is_skin, 0]]
    image[seen] = PART_COLOURS[skin]
    for which, colour in KIND_COLOURS.items():
        image[seen & (kind == which)] = colour
    return image


def _pose(body: PosedBody, camera: Camera) -> UInt8:
    """The 18-point skeleton as OpenPose draws it."""
    middle = (body.keypoints["left_shoulder"] + body.keypoints["right_shoulder"]) / 2
    at = camera.project(np.array([body.keypoints[name] if name else middle for name in OPENPOSE_POINTS]))[:, :2]
    image = np.zeros((camera.height, camera.width, 3), np.uint8)
    half = max(round(min(image.shape[:2]) * LINE_SHARE), 2)
    for colour, (a, b) in zip(OPENPOSE_COLOURS, OPENPOSE_LIMBS, strict=False):
        centre, arrow = (at[a] + at[b]) / 2, at[b] - at[a]
        turn = round(float(np.degrees(np.arctan2(arrow[1], arrow[0]))))
        size = (round(float(np.linalg.norm(arrow)) / 2), half)
        limb = cv2.ellipse2Poly((round(float(centre[0])), round(float(centre[1]))), size, turn, 0, 360, 5)
        cv2.fillConvexPoly(image, np.array(limb, np.int32), tuple(LIMB_DIM * value for value in colour))
    for colour, point in zip(OPENPOSE_COLOURS, at, strict=True):
        cv2.circle(image, (round(float(point[0])), round(float(point[1]))), half, colour, cv2.FILLED)
    return image

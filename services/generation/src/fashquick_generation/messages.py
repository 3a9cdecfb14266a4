"""Messages of GenerationService to plain values of the engine, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick_common.errors import BadField, NotBuilt
from fashquick_common.garment import Passport
from fashquick_common.garment_codec import passport_from_proto
from fashquick_common.image import ImageLimits
from fashquick_common.rpc.blobs import Blob, make_blob, require_part
from fashquick_common.scene_checks import check_backdrop, check_fit, check_phenotype, check_size_name, check_views
from fashquick_common.scene_limits import (
    DEFAULT_BODY,
    DEFAULT_HEIGHT_PX,
    DEFAULT_POSE,
    DEFAULT_WIDTH_PX,
    MAX_GARMENTS,
    check_area,
    check_name,
    check_outputs,
    check_size,
)
from fashquick_common.server.pictures import gray8_blob, read_mask, read_photo, rgb8_blob, rgba8_blob, uv16_blob
from fashquick_generation.engine import (
    Backdrop,
    BackdropKind,
    Figure,
    Fit,
    Float32Array,
    Framing,
    GarmentInput,
    GenerationJob,
    MapKind,
    Phenotype,
    Picture,
    Turntable,
    UInt8Array,
    View,
    Visibility,
)

DEFAULT_SEED = 0  # The studio has no randomness that anyone should wish to vary by default.
_MAPS = {
    scene_pb2.OUTPUT_KIND_DEPTH: MapKind.DEPTH,
    scene_pb2.OUTPUT_KIND_NORMAL: MapKind.NORMAL,
    scene_pb2.OUTPUT_KIND_POSE: MapKind.POSE,
    scene_pb2.OUTPUT_KIND_PARTS: MapKind.PARTS,
    scene_pb2.OUTPUT_KIND_GARMENT_MASK: MapKind.GARMENT_MASK,
    scene_pb2.OUTPUT_KIND_GARMENT_UV: MapKind.GARMENT_UV,
    scene_pb2.OUTPUT_KIND_GARMENT_INDEX: MapKind.GARMENT_INDEX,
    scene_pb2.OUTPUT_KIND_PROTECTED_MASK: MapKind.PROTECTED,
    scene_pb2.OUTPUT_KIND_SHADOW: MapKind.SHADOW,
}
_OTHERS = {
    scene_pb2.OUTPUT_KIND_PICTURE,
    scene_pb2.OUTPUT_KIND_PREVIEW,
    scene_pb2.OUTPUT_KIND_KEYPOINTS,
    scene_pb2.OUTPUT_KIND_TURNTABLE,
}
_FRAMINGS = {
    scene_pb2.FRAMING_UNSPECIFIED: Framing.AUTO,
    scene_pb2.FRAMING_FULL: Framing.FULL,
    scene_pb2.FRAMING_UPPER: Framing.UPPER,
    scene_pb2.FRAMING_LOWER: Framing.LOWER,
}
_FITS = {
    scene_pb2.FIT_UNSPECIFIED: None,
    scene_pb2.FIT_SLIM: Fit.SLIM,
    scene_pb2.FIT_REGULAR: Fit.REGULAR,
    scene_pb2.FIT_OVERSIZE: Fit.OVERSIZE,
}
_BACKDROPS = {
    scene_pb2.BACKDROP_KIND_UNSPECIFIED: BackdropKind.GREY,
    scene_pb2.BACKDROP_KIND_WHITE: BackdropKind.WHITE,
    scene_pb2.BACKDROP_KIND_GREY: BackdropKind.GREY,
    scene_pb2.BACKDROP_KIND_COLOUR: BackdropKind.COLOUR,
    scene_pb2.BACKDROP_KIND_GRADIENT: BackdropKind.GRADIENT,
    scene_pb2.BACKDROP_KIND_TRANSPARENT: BackdropKind.TRANSPARENT,
}


def garments_of(task: pb.CreateTask) -> Sequence[pb.Garment]:
    """Return what the figure wears, also where a task names it in the fields of a single garment."""
    if task.garments:
        return task.garments
    passport = task.passport if task.HasField("passport") else None
    return [pb.Garment(photo_part=task.photo_part, alpha_part=task.alpha_part, passport=passport)]


def views_of(scene: scene_pb2.Scene) -> Sequence[scene_pb2.View]:
    """Return how the figure stands and is seen, also where a scene names a single view."""
    return scene.views or [scene.view]


def checked_passports(task: pb.CreateTask) -> tuple[Passport, ...]:
    """Return the garments' passports of a task that asks for what the contract has, before any byte is read.

    Raises:
        BadField: A field is outside its limits.
        NotBuilt: A value is none that this version knows.
    """
    garments, scene = garments_of(task), task.scene
    if len(garments) > MAX_GARMENTS:
        raise BadField(f"there are {len(garments)} garments, at most {MAX_GARMENTS} are worn", field="garments")
    for garment in garments:
        check_fit(garment.fit)
        if not garment.HasField("passport"):
            raise BadField("a passport is required; get it from FeaturesService.ExtractFeatures", field="passport")
    check_name(scene.body, "scene.body")
    check_name(scene.finish, "scene.finish")
    check_size_name(scene.size, "scene.size")
    check_phenotype(scene.phenotype, "scene.phenotype")
    check_backdrop(scene.backdrop, "scene.backdrop")
    check_views(views_of(scene), "scene.views")
    check_size(scene.width, scene.height, "scene")
    check_area(scene.width, scene.height, len(views_of(scene)), "scene.views")
    check_outputs(task.outputs, "outputs")
    unknown = set(task.outputs) - _MAPS.keys() - _OTHERS
    if unknown:
        raise NotBuilt(f"this server does not make outputs {sorted(unknown)}")
    return tuple(passport_from_proto(garment.passport) for garment in garments)


def read_job(
    header: pb.GenerateHeader, passports: Sequence[Passport], blobs: Mapping[str, Blob], limits: ImageLimits
) -> GenerationJob:
    """Return the job of a checked header, its pictures read.

    Raises:
        BadField: A part is named that was not sent, or a passport is of another photo.
        InvalidArgumentError: A picture is refused.
    """
    task, scene = header.create, header.create.scene
    return GenerationJob(
        garments=tuple(
            _garment(garment, passport, blobs, limits)
            for garment, passport in zip(garments_of(task), passports, strict=True)
        ),
        figure=Figure(
            body=scene.body or DEFAULT_BODY,
            size=scene.size,
            phenotype=Phenotype(**{field.name: float(value) for field, value in scene.phenotype.ListFields()}),
            finish=scene.finish,
        ),
        views=tuple(_view(view) for view in views_of(scene)),
        backdrop=Backdrop(
            _BACKDROPS[scene.backdrop.kind], _rgb(scene.backdrop.top_srgb), _rgb(scene.backdrop.bottom_srgb)
        ),
        width=scene.width or DEFAULT_WIDTH_PX,
        height=scene.height or DEFAULT_HEIGHT_PX,
        seed=header.seed if header.HasField("seed") else DEFAULT_SEED,
        maps=frozenset(_MAPS[kind] for kind in task.outputs if kind in _MAPS),
        key_points=scene_pb2.OUTPUT_KIND_KEYPOINTS in task.outputs,
        turntable=scene_pb2.OUTPUT_KIND_TURNTABLE in task.outputs,
    )


def _garment(garment: pb.Garment, passport: Passport, blobs: Mapping[str, Blob], limits: ImageLimits) -> GarmentInput:
    photo = read_photo(require_part(blobs, garment.photo_part, "photo_part"), limits)
    alpha = read_mask(require_part(blobs, garment.alpha_part, "alpha_part"), photo, limits)
    height, width = alpha.shape
    if (passport.photo_width, passport.photo_height) != (width, height):
        raise BadField(
            f"the passport is of a photo of {passport.photo_width} x {passport.photo_height} pixels, "
            f"this one has {width} x {height}",
            field="passport",
        )
    return GarmentInput(photo.rgb, alpha, passport, _FITS[garment.fit])


def _view(view: scene_pb2.View) -> View:
    return View(
        pose=view.pose or DEFAULT_POSE,
        angles={
            bone: (turn.x_degrees, turn.y_degrees, turn.z_degrees) for bone, turn in sorted(view.joint_turns.items())
        },
        yaw_degrees=view.camera_yaw_degrees,
        framing=_FRAMINGS[view.framing],
    )


def _rgb(srgb: int) -> tuple[int, int, int]:
    return (srgb >> 16 & 255, srgb >> 8 & 255, srgb & 255)


def finished_view(picture: Picture) -> tuple[pb.FinishedView, list[Blob]]:
    """Return the wire form of a picture, and its parts."""
    name = f"view/{picture.view}/"
    parts = [_picture_blob(f"{name}picture", picture)]
    outputs = [_output(scene_pb2.OUTPUT_KIND_PICTURE, parts[0], picture)]
    for kind, map_kind in _MAPS.items():
        if map_kind in picture.maps:
            parts.append(_map_blob(name + map_kind.value, picture.maps[map_kind]))
            outputs.append(_output(kind, parts[-1], picture))
    points = [
        scene_pb2.Keypoint(name=point.name, x=point.x, y=point.y, visible=point.visibility is Visibility.VISIBLE)
        for point in picture.key_points
    ]
    return pb.FinishedView(view=picture.view, outputs=outputs, facts=picture.facts, keypoints=points), parts


def finished_turntable(turntable: Turntable) -> tuple[pb.Output, Blob]:
    """Return the wire form of an animation, and its part."""
    part = make_blob("turntable", turntable.webp, media_type="image/webp")
    return pb.Output(kind=scene_pb2.OUTPUT_KIND_TURNTABLE, part=part.part), part


def _output(kind: scene_pb2.OutputKind.ValueType, part: Blob, picture: Picture) -> pb.Output:
    return pb.Output(kind=kind, part=part.part, view=picture.view)


def _picture_blob(part: str, picture: Picture) -> Blob:
    if picture.alpha is None:
        return rgb8_blob(part, picture.rgb)
    return rgba8_blob(part, np.dstack([picture.rgb, picture.alpha]))


def _map_blob(part: str, pixels: UInt8Array | Float32Array) -> Blob:
    if pixels.dtype == np.float32:
        return uv16_blob(part, pixels.astype(np.float32, copy=False))
    image = pixels.astype(np.uint8, copy=False)
    return gray8_blob(part, image) if image.ndim == 2 else rgb8_blob(part, image)

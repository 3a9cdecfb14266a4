"""A CreateTask to the engine's job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick_common.diffusion_checks import check_upscale
from fashquick_common.errors import BadField, NotBuilt
from fashquick_common.garment import Passport
from fashquick_common.garment_codec import passport_from_proto
from fashquick_common.image import ImageLimits
from fashquick_common.rpc.blobs import Blob, require_part
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
from fashquick_common.server.pictures import read_mask, read_photo
from fashquick_generation.engine import (
    REPAIR_MAPS,
    Backdrop,
    BackdropKind,
    Figure,
    Fit,
    Framing,
    GarmentInput,
    GenerationJob,
    Phenotype,
    View,
)
from fashquick_generation.messages.diffusion import wishes_of
from fashquick_generation.messages.kinds import MAPS, OTHERS

DEFAULT_SEED = 0  # The studio has no randomness that anyone should wish to vary by default.
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


def checked_passports(task: pb.CreateTask, *, upscale: bool) -> tuple[Passport, ...]:
    """Return the garments' passports of a task that asks for what the contract has, before any byte is read.

    Args:
        task: The task.
        upscale: Whether its pictures are made twice as large.

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
    if upscale:
        check_upscale(scene.width, scene.height, len(views_of(scene)), "diffusion.upscale")
    check_outputs(task.outputs, "outputs")
    unknown = set(task.outputs) - MAPS.keys() - OTHERS
    if unknown:
        raise NotBuilt(f"this server does not make outputs {sorted(unknown)}")
    return tuple(passport_from_proto(garment.passport) for garment in garments)


def read_job(
    header: pb.GenerateHeader,
    passports: Sequence[Passport],
    blobs: Mapping[str, Blob],
    limits: ImageLimits,
    *,
    repairable: bool,
) -> GenerationJob:
    """Return the job of a checked header, its pictures read.

    Args:
        header: The header.
        passports: Of its garments.
        blobs: Its parts.
        limits: How large a photo may be.
        repairable: Whether what a repair needs is made beside each picture.

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
        maps=frozenset(MAPS[kind] for kind in task.outputs if kind in MAPS) | set(REPAIR_MAPS if repairable else ()),
        key_points=scene_pb2.OUTPUT_KIND_KEYPOINTS in task.outputs,
        turntable=scene_pb2.OUTPUT_KIND_TURNTABLE in task.outputs,
        diffusion=wishes_of(header.diffusion),
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

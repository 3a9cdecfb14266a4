"""A TryOn header to a valid job; what is not built yet is refused with its reason."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.diffusion_checks import check_diffusion, check_upscale
from fashquick_common.diffusion_limits import DEFAULT_FIDELITY_FLOOR, DEFAULT_REPAIRS, MAX_REPAIRS
from fashquick_common.errors import BadField, NotBuilt
from fashquick_common.garment_codec import category_from_proto
from fashquick_common.image import OutputFormat
from fashquick_common.priority import priority_from_proto
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
from fashquick_orchestrator.values import Garment, Repairs, TryOnJob

_SEED_BITS = 32  # Survives every JSON reader.
_MAX_PHOTOS = 4
_MAX_SAMPLES = 8
_FORMATS: dict[int, OutputFormat] = {
    pb.PICTURE_FORMAT_UNSPECIFIED: "png",
    pb.PICTURE_FORMAT_PNG: "png",
    pb.PICTURE_FORMAT_JPEG: "jpeg",
    pb.PICTURE_FORMAT_WEBP: "webp",
}


def check_header(header: pb.TryOnHeader) -> None:
    """Return if the header asks for something that is built, before any byte is read.

    Raises:
        BadField: A field is outside its limits.
        NotBuilt: A field asks for what the contract has and this server does not.
    """
    _check_counts(header)
    for garment in header.garments:
        _check_garment(garment)
    _check_subject(header.subject)
    check_views(header.views, "views")
    options = header.options
    check_size(options.width, options.height, "options")
    check_area(options.width, options.height, max(len(header.views), 1), "views")
    check_backdrop(options.backdrop, "options.backdrop")
    _check_diffusion(header)
    check_outputs(header.outputs, "outputs")
    if options.picture_format not in _FORMATS:
        raise NotBuilt(f"this server does not know picture format {options.picture_format}")
    if options.backdrop.kind == scene_pb2.BACKDROP_KIND_TRANSPARENT and _FORMATS[options.picture_format] == "jpeg":
        raise BadField(
            "JPEG has no transparency; ask for PNG or WebP, or another backdrop", field="options.picture_format"
        )
    unknown = [kind for kind in header.outputs if kind not in pb.OutputKind.values()]
    if unknown:
        raise NotBuilt(f"this server does not know outputs {unknown}")


def make_job(header: pb.TryOnHeader, blobs: Mapping[str, Blob], request_id: str) -> TryOnJob:
    """Return the job of a checked header, every default filled in.

    Raises:
        BadField: A part is named that was not sent.
    """
    options = header.options
    layers = sorted(header.garments, key=lambda garment: garment.layer)  # Of one layer: as they were listed.
    return TryOnJob(
        request_id=request_id,
        seed=header.seed if header.HasField("seed") else secrets.randbits(_SEED_BITS),
        garments=tuple(_garment(garment, blobs) for garment in layers),
        scene=_scene(header),
        outputs=frozenset(header.outputs),
        segmentation_backend=options.segmentation_backend,
        generation_backend=options.generation_backend,
        allow_fallback=options.allow_fallback,
        picture_format=_FORMATS[options.picture_format],
        fidelity=not options.without_fidelity,
        diffusion=options.diffusion if options.HasField("diffusion") else None,
        repairs=Repairs(
            floor=options.fidelity_floor if options.HasField("fidelity_floor") else DEFAULT_FIDELITY_FLOOR,
            most=options.max_repairs if options.HasField("max_repairs") else DEFAULT_REPAIRS,
        ),
        priority=priority_from_proto(header.priority),
    )


def _garment(garment: pb.Garment, blobs: Mapping[str, Blob]) -> Garment:
    return Garment(
        photo=require_part(blobs, garment.photos[0].part, "garments.photos.part"),
        mask=require_part(blobs, garment.mask_part, "garments.mask_part") if garment.mask_part else None,
        category_hint=category_from_proto(garment.category_hint),
        fit=garment.fit,
    )


def _scene(header: pb.TryOnHeader) -> scene_pb2.Scene:
    """Return what generation is asked to picture, every default filled in."""
    subject, options = header.subject, header.options
    scene = scene_pb2.Scene(
        body=subject.body or DEFAULT_BODY,
        size=subject.size,
        finish=subject.finish,
        width=options.width or DEFAULT_WIDTH_PX,
        height=options.height or DEFAULT_HEIGHT_PX,
        views=header.views or [scene_pb2.View()],
        backdrop=options.backdrop,
    )
    if subject.HasField("phenotype"):
        scene.phenotype.CopyFrom(subject.phenotype)
    for view in scene.views:
        view.pose = view.pose or DEFAULT_POSE
    scene.backdrop.kind = scene.backdrop.kind or scene_pb2.BACKDROP_KIND_GREY
    return scene


def _check_counts(header: pb.TryOnHeader) -> None:
    for field, count, least, most in (
        ("garments", len(header.garments), 1, MAX_GARMENTS),
        ("samples", header.samples, 0, _MAX_SAMPLES),
    ):
        if not least <= count <= most:
            raise BadField(f"{field}: {count}, it must be {least} to {most}", field=field)
    if header.samples > 1:
        raise NotBuilt("several samples in one request are not built yet; send a request for each, with another seed")


def _check_garment(garment: pb.Garment) -> None:
    if not 1 <= len(garment.photos) <= _MAX_PHOTOS:
        raise BadField(
            f"garments.photos: {len(garment.photos)}, it must be 1 to {_MAX_PHOTOS}", field="garments.photos"
        )
    if len(garment.photos) > 1:
        raise NotBuilt("several photos of one garment are not built yet; send the front only")
    if garment.photos[0].side not in (pb.SIDE_UNSPECIFIED, pb.SIDE_FRONT):
        raise NotBuilt("photos of the back or of details are not built yet; send the front")
    if garment.HasField("passport_overrides"):
        raise NotBuilt("passport_overrides are not built yet; category_hint is")
    check_fit(garment.fit)


def _check_subject(subject: pb.Subject) -> None:
    if subject.WhichOneof("subject") == "person_photo_part":
        raise NotBuilt("dressing a person's photo is not built yet; name a body preset")
    check_name(subject.body, "subject.body")
    check_size_name(subject.size, "subject.size")
    check_phenotype(subject.phenotype, "subject.phenotype")
    check_name(subject.finish, "subject.finish")


def _check_diffusion(header: pb.TryOnHeader) -> None:
    options = header.options
    check_diffusion(options.diffusion, "options.diffusion")
    if options.HasField("diffusion") and options.generation_backend == scene_pb2.BACKEND_STUDIO:
        raise BadField("the settings are those of diffusion, the backend is the studio", field="options.diffusion")
    if options.diffusion.upscale:
        check_upscale(options.width, options.height, max(len(header.views), 1), "options.diffusion.upscale")
    if not 0.0 <= options.fidelity_floor <= 1.0:
        raise BadField(
            f"options.fidelity_floor is {options.fidelity_floor}, it must be 0 to 1", field="options.fidelity_floor"
        )
    if options.max_repairs > MAX_REPAIRS:
        raise BadField(
            f"options.max_repairs is {options.max_repairs}, at most {MAX_REPAIRS} are made", field="options.max_repairs"
        )

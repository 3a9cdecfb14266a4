"""A TryOn header to a valid job; what is not built yet is refused with its reason."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.errors import BadField, NotBuilt
from fashquick_common.garment_codec import category_from_proto
from fashquick_common.image import OutputFormat
from fashquick_common.priority import priority_from_proto
from fashquick_common.rpc.blobs import Blob, require_part
from fashquick_common.scene_limits import (
    DEFAULT_BODY,
    DEFAULT_HEIGHT_PX,
    DEFAULT_POSE,
    DEFAULT_WIDTH_PX,
    check_name,
    check_outputs,
    check_size,
    check_yaw,
)
from fashquick_orchestrator.values import Scene, TryOnJob

_SEED_BITS = 32  # Survives every JSON reader.
_MAX_GARMENTS = 4
_MAX_PHOTOS = 4
_MAX_VIEWS = 8
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
    _check_garment(header.garments[0])
    if header.subject.WhichOneof("subject") == "person_photo_part":
        raise NotBuilt("dressing a person's photo is not built yet; name a body preset")
    check_name(header.subject.body, "subject.body")
    _check_view(header.views[0] if header.views else scene_pb2.View())
    options = header.options
    check_size(options.width, options.height, "options")
    check_outputs(header.outputs, "outputs")
    if options.picture_format not in _FORMATS:
        raise NotBuilt(f"this server does not know picture format {options.picture_format}")
    unknown = [kind for kind in header.outputs if kind not in pb.OutputKind.values()]
    if unknown:
        raise NotBuilt(f"this server does not know outputs {unknown}")


def make_job(header: pb.TryOnHeader, blobs: Mapping[str, Blob], request_id: str) -> TryOnJob:
    """Return the job of a checked header, every default filled in.

    Raises:
        BadField: A part is named that was not sent.
    """
    garment = header.garments[0]
    view = header.views[0] if header.views else scene_pb2.View()
    options = header.options
    mask = require_part(blobs, garment.mask_part, "garments.mask_part") if garment.mask_part else None
    return TryOnJob(
        request_id=request_id,
        seed=header.seed if header.HasField("seed") else secrets.randbits(_SEED_BITS),
        photo=require_part(blobs, garment.photos[0].part, "garments.photos.part"),
        mask=mask,
        category_hint=category_from_proto(garment.category_hint),
        scene=Scene(
            body=header.subject.body or DEFAULT_BODY,
            pose=view.pose or DEFAULT_POSE,
            yaw_degrees=view.camera_yaw_degrees,
            framing=view.framing or scene_pb2.FRAMING_FULL,
            width=options.width or DEFAULT_WIDTH_PX,
            height=options.height or DEFAULT_HEIGHT_PX,
        ),
        outputs=frozenset(header.outputs),
        segmentation_backend=options.segmentation_backend,
        generation_backend=options.generation_backend,
        allow_fallback=options.allow_fallback,
        picture_format=_FORMATS[options.picture_format],
        fidelity=not options.without_fidelity,
        priority=priority_from_proto(header.priority),
    )


def _check_counts(header: pb.TryOnHeader) -> None:
    counts = (
        ("garments", len(header.garments), 1, _MAX_GARMENTS, "outfits of several garments are"),
        ("views", len(header.views), 0, _MAX_VIEWS, "several views in one request are"),
        ("samples", header.samples, 0, _MAX_SAMPLES, "several samples in one request are"),
    )
    for field, count, least, most, feature in counts:
        if not least <= count <= most:
            raise BadField(f"{field}: {count}, it must be {least} to {most}", field=field)
        if count > 1:
            raise NotBuilt(f"{feature} not built yet; send one request each")


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


def _check_view(view: scene_pb2.View) -> None:
    check_name(view.pose, "views.pose")
    check_yaw(view.camera_yaw_degrees, "views")
    if view.framing not in scene_pb2.Framing.values():
        raise NotBuilt(f"this server does not know framing {view.framing}; leave it unspecified")

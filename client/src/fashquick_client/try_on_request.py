"""TryOn requests: the header, then the chunks of the parts that it announces."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Unpack

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_client.diffusion_request import diffusion_message
from fashquick_client.events import OutputKind
from fashquick_client.options import Garment, TryOnOptions, View
from fashquick_client.parts import MASK_PART, PHOTO_PART, category_of, check_range, choice, file_blob
from fashquick_client.photos import PhotoSource
from fashquick_common.diffusion_limits import MAX_REPAIRS
from fashquick_common.errors import BadField
from fashquick_common.garment_codec import category_to_proto
from fashquick_common.rpc.blobs import Blob, chunks_of

_MAX_SEED = 2**64 - 1
_BACKENDS = {
    "auto": scene_pb2.BACKEND_UNSPECIFIED,
    "studio": scene_pb2.BACKEND_STUDIO,
    "diffusion": scene_pb2.BACKEND_DIFFUSION,
}
_FORMATS = {
    "png": try_on_pb2.PICTURE_FORMAT_PNG,
    "jpeg": try_on_pb2.PICTURE_FORMAT_JPEG,
    "webp": try_on_pb2.PICTURE_FORMAT_WEBP,
}
_FITS = {
    "auto": scene_pb2.FIT_UNSPECIFIED,
    "slim": scene_pb2.FIT_SLIM,
    "regular": scene_pb2.FIT_REGULAR,
    "oversize": scene_pb2.FIT_OVERSIZE,
}
_FRAMINGS = {
    "auto": scene_pb2.FRAMING_UNSPECIFIED,
    "full": scene_pb2.FRAMING_FULL,
    "upper": scene_pb2.FRAMING_UPPER,
    "lower": scene_pb2.FRAMING_LOWER,
}
_BACKDROPS = {
    "white": scene_pb2.BACKDROP_KIND_WHITE,
    "grey": scene_pb2.BACKDROP_KIND_GREY,
    "transparent": scene_pb2.BACKDROP_KIND_TRANSPARENT,
}
_COLOURS = re.compile(r"#([0-9a-f]{6})(?::#([0-9a-f]{6}))?", re.IGNORECASE)


def try_on_request(
    garments: PhotoSource | Garment | Sequence[PhotoSource | Garment], request_id: str, **options: Unpack[TryOnOptions]
) -> tuple[try_on_pb2.TryOnHeader, list[Blob]]:
    """Return the header and the parts of a TryOn request.

    Args:
        garments: What is worn, innermost first.
        request_id: Id of the job.
        **options: Wishes.

    Raises:
        BadField: An option has a value outside its limits.
        OSError: A file cannot be read.
        NotAnImage: A file is empty.
    """
    messages, blobs = _garments(_listed(garments, options))
    width, height = options.get("size") or (0, 0)
    check_range("width", width, 2**32 - 1)
    check_range("height", height, 2**32 - 1)
    header = try_on_pb2.TryOnHeader(
        request_id=request_id,
        blobs=[blob.header for blob in blobs],
        garments=messages,
        subject=_subject(options),
        views=_views(options),
        outputs=[_output(kind) for kind in options.get("outputs", ())],
        options=try_on_pb2.TryOnOptions(
            generation_backend=choice("backend", options.get("backend", "auto"), _BACKENDS),
            allow_fallback=options.get("allow_fallback", False),
            width=width,
            height=height,
            picture_format=choice("picture_format", options.get("picture_format", "png"), _FORMATS),
            without_fidelity=not options.get("fidelity", True),
            backdrop=backdrop_message(options.get("backdrop", "")),
            diffusion=diffusion_message(options.get("diffusion")),
            fidelity_floor=_floor(options.get("fidelity_floor")),
            max_repairs=_repairs(options.get("max_repairs")),
        ),
    )
    seed = options.get("seed")
    if seed is not None:
        check_range("seed", seed, _MAX_SEED)
        header.seed = seed
    return header, blobs


def try_on_messages(header: try_on_pb2.TryOnHeader, blobs: Sequence[Blob]) -> Iterator[try_on_pb2.TryOnRequest]:
    """Return the messages of a TryOn request in their order."""
    yield try_on_pb2.TryOnRequest(header=header)
    for blob in blobs:
        for chunk in chunks_of(blob):
            yield try_on_pb2.TryOnRequest(chunk=chunk)


def backdrop_message(backdrop: str) -> scene_pb2.Backdrop | None:
    """Return a backdrop by its name or colours; None for the server's choice.

    Raises:
        BadField: It is none.
    """
    if not backdrop:
        return None
    colours = _COLOURS.fullmatch(backdrop)
    if colours is None and backdrop not in _BACKDROPS:
        raise BadField(
            f"backdrop is {backdrop!r}, it must be {', '.join(_BACKDROPS)}, a colour such as #d8cfc4, or two for a "
            "gradient from top to bottom, such as #ffffff:#d8cfc4",
            field="backdrop",
        )
    if colours is None:
        return scene_pb2.Backdrop(kind=_BACKDROPS[backdrop])
    top, bottom = colours.groups()
    kind = scene_pb2.BACKDROP_KIND_COLOUR if bottom is None else scene_pb2.BACKDROP_KIND_GRADIENT
    return scene_pb2.Backdrop(kind=kind, top_srgb=int(top, 16), bottom_srgb=int(bottom or top, 16))


def _listed(
    garments: PhotoSource | Garment | Sequence[PhotoSource | Garment], options: TryOnOptions
) -> Sequence[Garment]:
    """Return the garments as such, with what the options say of a single one."""
    several: list[PhotoSource | Garment] = (
        [garments] if isinstance(garments, (Garment, str, bytes, os.PathLike)) else list(garments)
    )
    said = [name for name in ("category", "fit", "mask") if options.get(name) is not None]
    if said and (len(several) != 1 or isinstance(several[0], Garment)):
        raise BadField(f"{said[0]} is said of no garment; say it in Garment(photo, {said[0]}=...)", field=said[0])
    return [
        each
        if isinstance(each, Garment)
        else Garment(each, options.get("category"), options.get("fit", "auto"), options.get("mask"))
        for each in several
    ]


def _garments(garments: Sequence[Garment]) -> tuple[list[try_on_pb2.Garment], list[Blob]]:
    messages, blobs = [], []
    for number, garment in enumerate(garments):
        suffix = f"/{number}" if number else ""
        message = try_on_pb2.Garment(
            photos=[try_on_pb2.Photo(part=PHOTO_PART + suffix)],
            category_hint=category_to_proto(category_of(garment.category)),
            fit=choice("fit", garment.fit, _FITS),
        )
        blobs.append(file_blob(PHOTO_PART + suffix, garment.photo))
        if garment.mask is not None:
            message.mask_part = MASK_PART + suffix
            blobs.append(file_blob(MASK_PART + suffix, garment.mask))
        messages.append(message)
    return messages, blobs


def _subject(options: TryOnOptions) -> try_on_pb2.Subject | None:
    subject = try_on_pb2.Subject(size=options.get("clothes_size", ""), finish=options.get("finish", ""))
    if options.get("body"):
        subject.body = options["body"]
    subject.phenotype.CopyFrom(_phenotype(options.get("phenotype", {})))
    if not subject.phenotype.ListFields():
        subject.ClearField("phenotype")
    return subject if subject.ListFields() else None


def _phenotype(values: Mapping[str, float]) -> scene_pb2.Phenotype:
    known = scene_pb2.Phenotype.DESCRIPTOR.fields_by_name
    unknown = [name for name in values if name not in known]
    if unknown:
        raise BadField(f"phenotype has {unknown[0]!r}, it must be one of {', '.join(known)}", field="phenotype")
    return scene_pb2.Phenotype(**values)


def _views(options: TryOnOptions) -> list[scene_pb2.View]:
    views, pose = options.get("views", ()), options.get("pose", "")
    if pose and views:
        raise BadField("pose is said beside views; say it of each view, as in View(pose=...)", field="pose")
    return [_view(view) for view in views or ([View(pose)] if pose else [])]


def _view(view: View) -> scene_pb2.View:
    return scene_pb2.View(
        pose=view.pose,
        camera_yaw_degrees=view.yaw_degrees,
        framing=choice("framing", view.framing, _FRAMINGS),
        joint_turns={
            name: scene_pb2.JointTurn(x_degrees=x, y_degrees=y, z_degrees=z)
            for name, (x, y, z) in view.joint_turns.items()
        },
    )


def _floor(floor: float | None) -> float | None:
    if floor is not None and not 0.0 <= floor <= 1.0:
        raise BadField(f"fidelity_floor is {floor}, it must be between 0 and 1", field="fidelity_floor")
    return floor


def _repairs(most: int | None) -> int | None:
    if most is not None:
        check_range("max_repairs", most, MAX_REPAIRS)
    return most


def _output(kind: OutputKind | str) -> try_on_pb2.OutputKind.ValueType:
    try:
        name = OutputKind(kind).name
    except ValueError:
        raise BadField(f"output is {kind!r}, it must be one of {', '.join(OutputKind)}", field="outputs") from None
    return try_on_pb2.OutputKind.Value("OUTPUT_KIND_" + name)

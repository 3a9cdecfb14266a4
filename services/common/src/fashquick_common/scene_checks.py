"""What the messages of `fashquick/generation/v1/scene.proto` may hold, for whoever receives them."""

from __future__ import annotations

from collections.abc import Sequence

from fashquick.generation.v1 import scene_pb2
from fashquick_common.errors import BadField, NotBuilt
from fashquick_common.scene_limits import MAX_NAME_CHARS, MAX_TURNED_JOINTS, MAX_VIEWS, SIZES, check_name, check_yaw

_MAX_TURN_DEGREES = 180.0
_MAX_SRGB = 0xFFFFFF


def check_views(views: Sequence[scene_pb2.View], field: str) -> None:
    """Return if a figure may stand and be seen so.

    Raises:
        BadField: There are too many views, or a name or an angle is outside its limits.
        NotBuilt: A framing is none that this version knows.
    """
    if len(views) > MAX_VIEWS:
        raise BadField(f"{field} lists {len(views)} views, at most {MAX_VIEWS} are made", field=field)
    for view in views:
        check_name(view.pose, f"{field}.pose")
        check_yaw(view.camera_yaw_degrees, field)
        if view.framing not in scene_pb2.Framing.values():
            raise NotBuilt(f"this server does not know framing {view.framing}; leave it unspecified")
        _check_joints(view, f"{field}.joint_turns")


def _check_joints(view: scene_pb2.View, field: str) -> None:
    if len(view.joint_turns) > MAX_TURNED_JOINTS:
        raise BadField(f"{field} has {len(view.joint_turns)} joints, at most {MAX_TURNED_JOINTS} are read", field=field)
    for name, turn in view.joint_turns.items():
        check_name(name, field)
        for axis in ("x", "y", "z"):
            degrees = getattr(turn, f"{axis}_degrees")
            if not -_MAX_TURN_DEGREES <= degrees <= _MAX_TURN_DEGREES:
                raise BadField(
                    f"{field}: {name[:MAX_NAME_CHARS]!r} is turned by {degrees} about {axis}, it must be "
                    f"{-_MAX_TURN_DEGREES:g} to {_MAX_TURN_DEGREES:g}",
                    field=field,
                )


def check_size_name(size: str, field: str) -> None:
    """Return if a text is a clothes size, or empty.

    Raises:
        BadField: It is not.
    """
    if size and size not in SIZES:
        raise BadField(f"{field} is {size[:MAX_NAME_CHARS]!r}, it must be one of {', '.join(SIZES)}", field=field)


def check_phenotype(phenotype: scene_pb2.Phenotype, field: str) -> None:
    """Return if a body may have this shape.

    Raises:
        BadField: A value is outside 0 to 1 or not a number.
    """
    for set_field, value in phenotype.ListFields():
        if not 0.0 <= value <= 1.0:
            raise BadField(f"{set_field.name} is {value}, it must be 0 to 1", field=f"{field}.{set_field.name}")


def check_backdrop(backdrop: scene_pb2.Backdrop, field: str) -> None:
    """Return if this may be behind a figure.

    Raises:
        BadField: A colour is none.
        NotBuilt: The kind is none that this version knows.
    """
    if backdrop.kind not in scene_pb2.BackdropKind.values():
        raise NotBuilt(f"this server does not know backdrop {backdrop.kind}")
    for name, srgb in (("top_srgb", backdrop.top_srgb), ("bottom_srgb", backdrop.bottom_srgb)):
        if srgb > _MAX_SRGB:
            raise BadField(f"{name} is {srgb:#x}, it must be 0 to 0xffffff", field=f"{field}.{name}")


def check_fit(fit: int) -> None:
    """Return if a fit is one that this version knows.

    Raises:
        NotBuilt: It is not.
    """
    if fit not in scene_pb2.Fit.values():
        raise NotBuilt(f"this server does not know fit {fit}; leave it unspecified")

"""The limits and defaults that `fashquick.generation.v1.Scene` states, for whoever receives one.

Limits are checked from a request's header, before a byte of its upload is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from fashquick_common.errors import BadField

DEFAULT_BODY = "woman"
DEFAULT_POSE = "relaxed"
DEFAULT_WIDTH_PX = 768
DEFAULT_HEIGHT_PX = 1152
MIN_SIDE_PX = 256
MAX_WIDTH_PX = 2048
MAX_HEIGHT_PX = 3072
MAX_YAW_DEGREES = 180.0
MAX_NAME_CHARS = 64
MAX_TURNED_JOINTS = 64
SIZES = ("XS", "S", "M", "L", "XL", "XXL", "3XL")
MAX_OUTPUTS = 32  # There are less than twenty kinds.
MAX_GARMENTS = 4  # Shirt, pullover, coat, trousers.
MAX_VIEWS = 8
MAX_PICTURE_PIXELS = 2 * MAX_WIDTH_PX * MAX_HEIGHT_PX  # Of all views together: what one call may hold in memory.


def check_size(width: int, height: int, field: str) -> None:
    """Return if a picture may have this size; 0 stands for the server's default.

    Raises:
        BadField: A side is outside its limits.
    """
    for name, side, most in (("width", width, MAX_WIDTH_PX), ("height", height, MAX_HEIGHT_PX)):
        if side and not MIN_SIDE_PX <= side <= most:
            raise BadField(
                f"{name} is {side} pixels, it must be {MIN_SIDE_PX} to {most}, or 0 for the default",
                field=f"{field}.{name}",
            )


def check_area(width: int, height: int, views: int, field: str) -> None:
    """Return if so many pictures of this size may be made in one call; 0 stands for the server's default.

    Raises:
        BadField: They are too large together.
    """
    width, height = width or DEFAULT_WIDTH_PX, height or DEFAULT_HEIGHT_PX
    pixels = width * height * views
    if pixels > MAX_PICTURE_PIXELS:
        raise BadField(
            f"{views} views of {width} x {height} have {pixels} pixels, at most {MAX_PICTURE_PIXELS} are made; "
            "ask for fewer views or smaller pictures",
            field=field,
        )


def check_yaw(degrees: float, field: str) -> None:
    """Return if the camera may be turned so far.

    Raises:
        BadField: The angle is outside its limits or not a number.
    """
    if not -MAX_YAW_DEGREES <= degrees <= MAX_YAW_DEGREES:
        raise BadField(
            f"camera_yaw_degrees is {degrees}, it must be {-MAX_YAW_DEGREES:g} to {MAX_YAW_DEGREES:g}",
            field=f"{field}.camera_yaw_degrees",
        )


def check_name(name: str, field: str) -> None:
    """Return if a text can be the name of a body, a pose or a finish.

    Raises:
        BadField: It is too long.
    """
    if len(name) > MAX_NAME_CHARS:
        raise BadField(
            f"{field} has {len(name)} characters, no name has more than {MAX_NAME_CHARS}; "
            "leave it empty for the default",
            field=field,
        )


def check_outputs(kinds: Sequence[int], field: str) -> None:
    """Return if so many outputs may be asked for.

    Raises:
        BadField: There are too many.
    """
    if len(kinds) > MAX_OUTPUTS:
        raise BadField(
            f"{field} lists {len(kinds)} kinds, at most {MAX_OUTPUTS} are read; name each kind once", field=field
        )

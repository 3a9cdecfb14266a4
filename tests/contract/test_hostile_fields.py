"""Fields that are too long, too many or no numbers: refused from the header, with an error that arrives whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from fashquick.garment.v1.landmark_pb2 import Landmark
from fashquick.generation.v1.scene_pb2 import OutputKind, Scene, View
from fashquick.tryon.v1 import try_on_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob
from fashquick_common.rpc.status import error_from_rpc
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, GENERATE, TRY_ON, Rpc
from tests.support.servers import METHODS, Stack

LONG = "ü" * 500_000  # 1 MB on the wire.


def _view(rpc: Rpc, header: Any, **fields: Any) -> None:
    if rpc is TRY_ON:
        header.views.append(View(**fields))
    else:
        header.create.scene.views.append(View(**fields))


def _size(rpc: Rpc, header: Any, **fields: int) -> None:
    if rpc is TRY_ON:
        header.options.MergeFrom(try_on_pb2.TryOnOptions(**fields))
    else:
        header.create.scene.MergeFrom(Scene(**fields))


def _body(rpc: Rpc, header: Any, name: str) -> None:
    if rpc is TRY_ON:
        header.subject.body = name
    else:
        header.create.scene.body = name


def _outputs(rpc: Rpc, header: Any, count: int) -> None:
    (header if rpc is TRY_ON else header.create).outputs.extend([OutputKind.Value("OUTPUT_KIND_DEPTH")] * count)


SCENES: dict[str, Callable[[Rpc, Any], None]] = {
    "a turn that is not a number": lambda rpc, header: _view(rpc, header, camera_yaw_degrees=math.nan),
    "an infinite turn": lambda rpc, header: _view(rpc, header, camera_yaw_degrees=-math.inf),
    "a turn of 181 degrees": lambda rpc, header: _view(rpc, header, camera_yaw_degrees=181.0),
    "a pose of 1 MB": lambda rpc, header: _view(rpc, header, pose=LONG),
    "a body of 1 MB": lambda rpc, header: _body(rpc, header, LONG),
    "a picture of 255 pixels": lambda rpc, header: _size(rpc, header, width=255),
    "a picture of 2^32 pixels": lambda rpc, header: _size(rpc, header, width=2**32 - 1, height=2**32 - 1),
    "a picture too high": lambda rpc, header: _size(rpc, header, height=3073),
    "two million outputs": lambda rpc, header: _outputs(rpc, header, 2_000_000),
}


@pytest.mark.parametrize("case", SCENES)
@pytest.mark.parametrize("rpc", [GENERATE, TRY_ON], ids=lambda rpc: rpc.service)
async def test_a_scene_outside_its_limits_is_refused_from_the_header(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc, case: str
) -> None:
    [header, *_] = rpc.messages(parts_for(rpc, good_blobs))
    SCENES[case](rpc, header.header)

    error = await rpc.failure(stack.channels[rpc.service], [header])

    assert type(error) is errors.BadField, error.message
    assert error.field
    assert len(error.message) < 300


PASSPORTS: dict[str, Callable[[Any], None]] = {
    "a colour's name of 1 MB": lambda passport: setattr(passport.palette.colours[0], "name", LONG),
    "a million landmarks": lambda passport: passport.landmarks.extend([Landmark()] * 1_000_000),
    "a colour brighter than white": lambda passport: setattr(passport.palette.colours[0], "lab_l", 3e38),
    "an infinite coverage": lambda passport: setattr(passport, "coverage", math.inf),
}


@pytest.mark.parametrize("case", PASSPORTS)
async def test_a_passport_outside_its_limits_is_refused_from_the_header(
    stack: Stack, good_blobs: dict[str, Blob], case: str
) -> None:
    [header, *_] = GENERATE.messages(parts_for(GENERATE, good_blobs))
    PASSPORTS[case](header.header.create.garments[0].passport)

    error = await GENERATE.failure(stack.channels["generation"], [header])

    assert type(error) is errors.BadField, error.message
    assert error.field.startswith("passport")


NAMES: dict[str, Callable[[Rpc, list[Any]], None]] = {
    "a request id of 1 MB": lambda rpc, messages: setattr(messages[0].header, "request_id", LONG),
    "a part of 1 MB": lambda rpc, messages: setattr(messages[0].header.blobs[0], "part", LONG),
    "a file name of 1 MB": lambda rpc, messages: setattr(messages[0].header.blobs[0], "name", LONG),
    "a media type of 1 MB": lambda rpc, messages: setattr(messages[0].header.blobs[0], "media_type", LONG),
    "a chunk of a part of 1 MB": lambda rpc, messages: setattr(messages[1].chunk, "part", LONG),
    "a photo in a part of 1 MB": lambda rpc, messages: _name_photo(rpc, messages[0].header),
}


def _name_photo(rpc: Rpc, header: Any) -> None:
    if rpc is TRY_ON:
        header.garments[0].photos[0].part = LONG
    elif rpc is GENERATE:
        header.create.garments[0].photo_part = LONG
    else:
        header.photo_part = LONG


@pytest.mark.parametrize("case", NAMES)
@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_an_error_about_a_name_of_a_megabyte_arrives_whole(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc, case: str
) -> None:
    messages = rpc.messages(parts_for(rpc, good_blobs))
    NAMES[case](rpc, messages)

    error = await rpc.failure(stack.channels[rpc.service], messages)

    assert isinstance(error, errors.InvalidArgumentError), error.message
    assert error.field
    assert len(error.message) <= 1000


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_bytes_that_are_no_message_are_the_callers_fault(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc
) -> None:
    channel = stack.channels[rpc.service]
    call = channel.stream_stream(METHODS[rpc.service])(_once(b"\xff\xff\xff\xff no message"), timeout=10)

    with pytest.raises(grpc.aio.AioRpcError) as failure:
        [answer async for answer in call]

    error = error_from_rpc(failure.value)
    assert isinstance(error, errors.InvalidArgumentError), error.message
    assert await rpc.collect(channel, rpc.messages(parts_for(rpc, good_blobs)))


async def _once(data: bytes) -> Any:
    yield data

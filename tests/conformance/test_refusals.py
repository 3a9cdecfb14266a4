"""Photos, masks and wishes that cannot be used are refused, each with its reason."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fashquick.segmentation.v1 import segmentation_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob, make_blob
from tests.conformance.checks import check_refused
from tests.conformance.contracts import alpha_pixels, gray_blob, photo_file, photo_pixels, png_blob
from tests.conformance.target import ANSWER_S, Target
from tests.support.hostile import png_bytes

_STAGES = ("segmentation", "features", "generation")
_PICTURES = ("generation", "orchestrator")
_NOT_AN_IMAGE: dict[str, bytes] = {
    "one byte": b"\xff",
    "text": b"hello, I am a shirt\n" * 20,
    "a renamed PDF": b"%PDF-1.7\n" + bytes(1000),
    "a web page": b"<!DOCTYPE html><html><body>404</body></html>",
}


@pytest.mark.parametrize("case", _NOT_AN_IMAGE)
def test_a_file_that_is_no_photo_is_refused(target: Target, case: str) -> None:
    _refused(target, make_blob("photo", _NOT_AN_IMAGE[case], name="photo.jpg"), errors.NotAnImage)


def test_a_photo_that_is_cut_short_is_refused(target: Target) -> None:
    whole = bytes(photo_file().data)

    _refused(target, make_blob("photo", whole[: len(whole) // 2]), errors.ImageDamaged)


def test_a_photo_that_is_too_small_is_refused(target: Target) -> None:
    _refused(target, png_blob("photo", photo_pixels()[:200, : target.limits.min_side - 1]), errors.ImageTooSmall)


def test_a_file_that_declares_too_many_pixels_is_refused_unread(target: Target) -> None:
    side = int(target.limits.max_pixels**0.5) + 1
    bomb = png_bytes(side, side, [(b"IDAT", zlib.compress(bytes(1000)))])

    _refused(target, make_blob("photo", bomb), errors.ImageTooLarge)


def test_a_photo_of_one_colour_is_refused(target: Target) -> None:
    _refused(target, png_blob("photo", np.full((200, 200, 3), 120, np.uint8)), errors.ImageBlank)


def _refused(target: Target, photo: Blob, expected: type[errors.FashquickError]) -> None:
    messages = target.contract.rpc.messages(target.contract.blobs(photo))

    check_refused(target.call(messages, ANSWER_S), expected)
    target.check_works()


def _with_mask(target: Target, mask: Blob) -> list[Any]:
    """A request with the mask that its contract takes beside the photo."""
    messages = target.contract.rpc.messages([photo_file(), mask])
    header = messages[0].header
    match target.contract.service:
        case "segmentation":
            header.mask_hint_part = mask.part
        case "orchestrator":
            header.garments[0].mask_part = mask.part
    return messages


_BAD_MASKS: dict[str, Callable[[], Blob]] = {
    "another size": lambda: gray_blob("alpha", alpha_pixels()[:-1]),
    "empty": lambda: gray_blob("alpha", np.zeros_like(alpha_pixels())),
    "full": lambda: gray_blob("alpha", np.full_like(alpha_pixels(), 255)),
    "another size, as a file": lambda: png_blob("alpha", alpha_pixels()[:, :-1]),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[] if "file" in case else [pytest.mark.only(*_STAGES)]) for case in _BAD_MASKS]
)
def test_a_mask_that_cannot_be_of_this_photo_is_refused(target: Target, case: str) -> None:
    check_refused(target.call(_with_mask(target, _BAD_MASKS[case]()), ANSWER_S), errors.BadMask)
    target.check_works()


def _long_pose(header: Any) -> None:
    view = (header if hasattr(header, "views") else header.create.scene).views.add()
    view.pose = "x" * 65


def _turn(header: Any) -> None:
    view = (header if hasattr(header, "views") else header.create.scene).views.add()
    view.camera_yaw_degrees = float("nan")


def _narrow(header: Any) -> None:
    (header.options if hasattr(header, "options") else header.create.scene).width = 255


def _high(header: Any) -> None:
    (header.options if hasattr(header, "options") else header.create.scene).height = 3073


_BAD_FIELDS: dict[str, tuple[tuple[str, ...], Callable[[Any], object]]] = {
    "17 candidates": (("segmentation",), lambda header: setattr(header, "max_candidates", 17)),
    "no task": (("generation",), lambda header: header.ClearField("create")),
    "no passport": (("generation",), lambda header: header.create.garments[0].ClearField("passport")),
    "no garment": (("orchestrator",), lambda header: header.ClearField("garments")),
    "five garments": (
        ("orchestrator",),
        lambda header: header.garments.extend([header.garments[0]] * 4),
    ),
    "a garment without photos": (("orchestrator",), lambda header: header.garments[0].ClearField("photos")),
    "nine samples": (("orchestrator",), lambda header: setattr(header, "samples", 9)),
    "33 outputs": (_PICTURES, lambda header: _outputs(header).extend([2] * 33)),
    "a pose of 65 characters": (_PICTURES, _long_pose),
    "a turn that is not a number": (_PICTURES, _turn),
    "a picture of 255 pixels": (_PICTURES, _narrow),
    "a picture of 3073 pixels": (_PICTURES, _high),
    "0 steps": (_PICTURES, lambda header: setattr(_diffusion(header), "steps", 0)),
    "1,000 steps": (_PICTURES, lambda header: setattr(_diffusion(header), "steps", 1000)),
    "a strength that is not a number": (
        _PICTURES,
        lambda header: setattr(_diffusion(header), "strength", float("nan")),
    ),
    "a prompt of 100 KB": (_PICTURES, lambda header: setattr(_diffusion(header), "extra_prompt", "a " * 50_000)),
    "a prompt with a control character": (_PICTURES, lambda header: setattr(_diffusion(header), "prompt", "a\0b")),
    "five repairs": (("orchestrator",), lambda header: setattr(header.options, "max_repairs", 5)),
    "a floor of 2": (("orchestrator",), lambda header: setattr(header.options, "fidelity_floor", 2.0)),
}


def _diffusion(header: Any) -> Any:
    return header.options.diffusion if hasattr(header, "options") else header.diffusion


def _outputs(header: Any) -> Any:
    return header.outputs if hasattr(header, "outputs") else header.create.outputs


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.only(*services)) for case, (services, _) in _BAD_FIELDS.items()],
)
def test_a_field_beyond_its_limits_is_refused(target: Target, case: str) -> None:
    _, change = _BAD_FIELDS[case]

    check_refused(target.call(target.contract.request(change), ANSWER_S), errors.BadField)
    target.check_works()


def _another_backend(header: Any) -> None:
    if hasattr(header, "options"):
        header.options.segmentation_backend = segmentation_pb2.BACKEND_SAM2
    else:
        header.backend = 2  # SAM 2 or diffusion.


@pytest.mark.only("segmentation", "generation", "orchestrator")
def test_a_backend_that_is_not_installed_is_not_replaced_in_silence(target: Target) -> None:
    outcome = target.call(target.contract.request(_another_backend))
    if outcome.code.name == "OK":
        pytest.skip("the server has this backend")

    check_refused(outcome, errors.ModelNotInstalled)
    target.check_works()


@pytest.mark.only("segmentation")
def test_a_prompt_is_answered_by_its_number_or_said_not_to_be_built(target: Target) -> None:
    prompt = segmentation_pb2.Prompt(number=3, points=[{"x": 256.0, "y": 320.0, "on_garment": True}])
    outcome = target.call([*target.contract.request(), segmentation_pb2.SegmentRequest(prompt=prompt)])

    if outcome.code.name == "OK":
        assert 3 in [answer.result.number for answer in outcome.answers if answer.HasField("result")]
    else:
        check_refused(outcome, errors.NotBuilt)
    target.check_works()

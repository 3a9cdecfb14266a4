"""Manifests, passports, fidelity reports and segmentations as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from fashquick.tryon.v1 import try_on_pb2
from fashquick_client.results import Segmentation
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.garment_codec import fidelity_to_proto, passport_to_proto


def manifest_report(manifest: try_on_pb2.Manifest) -> dict[str, Any]:
    """Return the manifest in protobuf's JSON form, with every field present.

    Names are those of the contract (snake_case). As in all protobuf JSON, 64-bit numbers such as the seed are
    strings, because JSON readers round them. Other than there, bytes (digests) are hexadecimal.
    """
    return _report(manifest)


def passport_report(passport: Passport) -> dict[str, Any]:
    """Return a passport in protobuf's JSON form, as it stands in a manifest."""
    return _report(passport_to_proto(passport))


def fidelity_report(report: FidelityReport) -> dict[str, Any]:
    """Return a fidelity report in protobuf's JSON form; names are the contract's."""
    return _report(fidelity_to_proto(report))


def segmentation_report(found: Segmentation) -> dict[str, Any]:
    """Return what is known of a mask, its pixels and those of its candidates left out; names are the contract's."""
    return {
        "quality": _shortened(asdict(found.quality)),
        "candidates": [
            {
                "score": _shortest(candidate.score),
                "scores": None if candidate.scores is None else _shortened(asdict(candidate.scores)),
                "source": candidate.source,
                "other_garment": candidate.other_garment,
            }
            for candidate in found.candidates
        ],
        "backend": found.backend,
        "backend_digest": found.backend_digest,
        "compute_seconds": found.compute_seconds,
    }


def _shortened(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _shortest(value) if isinstance(value, float) else value for name, value in members.items()}


def _shortest(number: float) -> float:
    """A number that came as 32 bits, without the digits that 64 bits add to it."""
    return float(f"{number:.7g}")


def _report(message: Message) -> dict[str, Any]:
    report: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    _hex_digests(message, report)
    return report


def _hex_digests(message: Message, report: dict[str, Any]) -> None:
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_BYTES:
            report[field.name] = value.hex()
        elif field.type == FieldDescriptor.TYPE_MESSAGE and not isinstance(value, Mapping):
            if isinstance(value, Message):
                _hex_digests(value, report[field.name])
            else:
                for item, item_report in zip(value, report[field.name], strict=True):
                    _hex_digests(item, item_report)

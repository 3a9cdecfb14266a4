"""The manifest: how a picture was made, enough to make it again and to say what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fashquick.segmentation.v1 import segmentation_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.garment_codec import fidelity_to_proto, passport_to_proto
from fashquick_common.image import DecodedImage, DigitalSourceType
from fashquick_common.rpc.blobs import Blob
from fashquick_orchestrator.stages import scene_to_proto
from fashquick_orchestrator.values import MaskQuality, Stage, StageRun, TryOnJob

_STUDIO = "studio"


@dataclass(frozen=True, slots=True)
class Record:
    """One stage that has ended: what did it and its seconds with transport."""

    stage: Stage
    run: StageRun
    seconds: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What the stages found out.

    Attributes:
        photo: The decoded photo.
        quality: Measures of the mask.
        passport: What the picture was made from.
        facts: Measures of the generation.
        source_type: What the picture is, in IPTC's words.
        fidelity: Whether the garment survived; None where that was not wanted or could not be told.
        warnings: What went wrong without spoiling the picture.
    """

    photo: DecodedImage
    quality: MaskQuality
    passport: Passport
    facts: Mapping[str, float]
    source_type: DigitalSourceType
    fidelity: FidelityReport | None = None
    warnings: tuple[str, ...] = ()


def source_type_of(backend: str) -> DigitalSourceType:
    """Return IPTC's word for the pictures of a generation backend."""
    if backend == _STUDIO:
        return DigitalSourceType.COMPOSITE_SYNTHETIC
    return DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


def quality_to_proto(quality: MaskQuality) -> segmentation_pb2.MaskQuality:
    """Return the wire form of a mask's measures."""
    return segmentation_pb2.MaskQuality(
        confidence=quality.confidence,
        coverage=quality.coverage,
        border_contact=quality.border_contact,
        fragments=quality.fragments,
        warnings=quality.warnings,
        symmetry=quality.symmetry,
        boundary_confidence=quality.boundary_confidence,
        sharpness=quality.sharpness,
        lightness=quality.lightness,
        clipped=quality.clipped,
        cut_off=[segmentation_pb2.Side.ValueType(side) for side in quality.cut_off],
    )


def make_manifest(job: TryOnJob, findings: Findings, records: Sequence[Record], outputs: Sequence[Blob]) -> pb.Manifest:
    """Write the manifest of a finished job."""
    photo = findings.photo
    return pb.Manifest(
        request_id=job.request_id,
        seed=job.seed,
        inputs=[
            pb.Input(
                part=job.photo.part,
                sha256=job.photo.header.sha256,
                format=photo.format,
                width=photo.source_width,
                height=photo.source_height,
            )
        ]
        + ([] if job.mask is None else [pb.Input(part=job.mask.part, sha256=job.mask.header.sha256)]),
        stages=[
            pb.StageRecord(
                stage=pb.Stage.ValueType(record.stage),
                backend=record.run.backend,
                backend_digest=record.run.backend_digest,
                version=record.run.version,
                seconds=record.seconds,
                compute_seconds=record.run.compute_seconds,
                attempts=record.run.attempts,
            )
            for record in records
        ],
        passport=passport_to_proto(findings.passport),
        mask_quality=quality_to_proto(findings.quality),
        scene=scene_to_proto(job.scene),
        warnings=(*photo.warnings, *findings.quality.warnings, *findings.warnings),
        facts=findings.facts,
        digital_source_type=findings.source_type.value,
        outputs=[blob.header for blob in outputs],
        fidelity=None if findings.fidelity is None else fidelity_to_proto(findings.fidelity),
    )

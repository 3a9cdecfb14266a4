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
from fashquick_orchestrator.generating import GeneratedView
from fashquick_orchestrator.values import MaskQuality, Repair, Stage, StageRun, TryOnJob

STUDIO = "studio"
"""Name of the backend whose pictures no network has drawn."""


@dataclass(frozen=True, slots=True)
class Record:
    """One stage that has ended: what did it and its seconds with transport."""

    stage: Stage
    run: StageRun
    seconds: float


@dataclass(frozen=True, slots=True)
class GarmentFindings:
    """What was found out about a garment.

    Attributes:
        photo: Its decoded photo.
        quality: Measures of its mask.
        passport: What the pictures were made from.
    """

    photo: DecodedImage
    quality: MaskQuality
    passport: Passport


@dataclass(frozen=True, slots=True)
class ViewFindings:
    """What was found out about a view.

    Attributes:
        view: The view, with the picture that the caller gets.
        fidelity: Whether each garment survived, by index; those are missing for which that was not wanted or could not
            be told.
        repairs: What was repaired.
    """

    view: GeneratedView
    fidelity: Mapping[int, FidelityReport]
    repairs: Sequence[Repair]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the stages found out.

    Attributes:
        garments: Of each garment, innermost first.
        views: Of the finished views in their order.
        source_type: What the pictures are, in IPTC's words.
        warnings: What went wrong without spoiling the pictures.
    """

    garments: Sequence[GarmentFindings]
    views: Sequence[ViewFindings]
    source_type: DigitalSourceType
    warnings: tuple[str, ...] = ()


def source_type_of(backend: str) -> DigitalSourceType:
    """Return IPTC's word for the pictures of a generation backend."""
    if backend == STUDIO:
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
    garments = [
        pb.GarmentRecord(
            part=garment.photo.part,
            passport=passport_to_proto(found.passport),
            mask_quality=quality_to_proto(found.quality),
        )
        for garment, found in zip(job.garments, findings.garments, strict=True)
    ]
    views = [_view(found) for found in findings.views]
    reports = [told.report for view in views for told in view.fidelity]
    return pb.Manifest(
        request_id=job.request_id,
        seed=job.seed,
        inputs=_inputs(job, findings),
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
        passport=garments[0].passport,
        mask_quality=garments[0].mask_quality,
        scene=job.scene,
        warnings=_warnings(findings),
        facts=findings.views[0].view.facts,
        digital_source_type=findings.source_type.value,
        outputs=[blob.header for blob in outputs],
        fidelity=reports[0] if reports else None,
        garments=garments,
        views=views,
    )


def _view(found: ViewFindings) -> pb.ViewRecord:
    return pb.ViewRecord(
        facts=found.view.facts,
        keypoints=found.view.keypoints,
        fidelity=[
            pb.GarmentFidelity(garment=garment, report=fidelity_to_proto(report))
            for garment, report in sorted(found.fidelity.items())
        ],
        diffusion=found.view.diffusion,
        repairs=[_repair(repair) for repair in found.repairs],
    )


def _repair(repair: Repair) -> pb.RepairRecord:
    before, after = fidelity_to_proto(repair.before), fidelity_to_proto(repair.after)
    record = pb.RepairRecord(
        garment=repair.garment,
        grade_before=before.grade,
        overall_before=before.overall,
        grade_after=after.grade,
        overall_after=after.overall,
    )
    for attempt in repair.attempts:
        told = record.attempts.add(seed=attempt.seed, kept=attempt.kept, failure=attempt.failure)
        if attempt.report is not None:
            report = fidelity_to_proto(attempt.report)
            told.grade, told.overall = report.grade, report.overall
    return record


def _inputs(job: TryOnJob, findings: Findings) -> list[pb.Input]:
    inputs = []
    for garment, found in zip(job.garments, findings.garments, strict=True):
        photo = found.photo
        inputs.append(
            pb.Input(
                part=garment.photo.part,
                sha256=garment.photo.header.sha256,
                format=photo.format,
                width=photo.source_width,
                height=photo.source_height,
            )
        )
        if garment.mask is not None:
            inputs.append(pb.Input(part=garment.mask.part, sha256=garment.mask.header.sha256))
    return inputs


def _warnings(findings: Findings) -> list[str]:
    """All warnings; where there are several garments, each says of which it is."""
    several = len(findings.garments) > 1
    return [
        f"garment {number}: {warning}" if several else warning
        for number, garment in enumerate(findings.garments, 1)
        for warning in (*garment.photo.warnings, *garment.quality.warnings)
    ] + list(findings.warnings)

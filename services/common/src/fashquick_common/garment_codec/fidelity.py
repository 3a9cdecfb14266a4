"""Fidelity reports to and from their wire form."""

from __future__ import annotations

from fashquick.garment.v1 import fidelity_pb2
from fashquick_common.garment import (
    FidelityControl,
    FidelityControlResult,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    FidelityReport,
)
from fashquick_common.garment_codec import checks

MAX_FIDELITY_MEASUREMENTS = 64  # Far more than there are measures, for versions to come.
MAX_FIDELITY_CONTROLS = 64  # Likewise.
MAX_REASON_CHARS = 500
_MAX_DELTA_E = 200.0  # CIEDE2000 between any two sRGB colours stays below 120.

_LARGEST = {
    FidelityMeasure.PALETTE: _MAX_DELTA_E,
    FidelityMeasure.PALETTE_MEASURED: _MAX_DELTA_E,
    FidelityMeasure.PATTERN: 1.0,
    FidelityMeasure.TEXTURE: 1e6,  # A distance without a limit of its own.
    FidelityMeasure.TEXT: 1.0,
    FidelityMeasure.ORIGINAL_PIXELS: 1.0,
    FidelityMeasure.OUTSIDE: 255.0,
    FidelityMeasure.HALO: _MAX_DELTA_E,
}
_ROUNDING = 1e-6  # Of 32-bit floats on their way.

_MEASURES = checks.WireEnum(FidelityMeasure, fidelity_pb2.FidelityMeasure)
_CONTROLS = checks.WireEnum(FidelityControl, fidelity_pb2.FidelityControl)
_GRADES = checks.WireEnum(FidelityGrade, fidelity_pb2.FidelityGrade)


def fidelity_to_proto(report: FidelityReport) -> fidelity_pb2.FidelityReport:
    """Return the wire form of a fidelity report."""
    return fidelity_pb2.FidelityReport(
        grade=_GRADES.number(report.grade),
        overall=report.overall,
        measurements=map(_measurement_to_proto, report.measurements),
    )


def fidelity_from_proto(message: fidelity_pb2.FidelityReport) -> FidelityReport:
    """Return the fidelity report; measures and controls that are not known here are left out.

    Raises:
        BadField: A number is not finite or outside its limits, a text too long, there are too many of something, or
            a measure or control comes twice.
    """
    field = "report.measurements"
    checks.count(message.measurements, MAX_FIDELITY_MEASUREMENTS, field)
    found = [(_MEASURES.value(each.measure), each) for each in message.measurements]
    measurements = tuple(_measurement_from_proto(measure, each) for measure, each in found if measure is not None)
    checks.distinct((each.measure for each in measurements), field)
    return FidelityReport(
        grade=_GRADES.value(message.grade),
        overall=checks.share(message.overall, "report.overall"),
        measurements=measurements,
    )


def _measurement_to_proto(measurement: FidelityMeasurement) -> fidelity_pb2.FidelityMeasurement:
    return fidelity_pb2.FidelityMeasurement(
        measure=_MEASURES.number(measurement.measure),
        value=measurement.value,
        score=measurement.score,
        counted=measurement.counted,
        reason=measurement.reason,
        controls=[
            fidelity_pb2.FidelityControlResult(
                control=_CONTROLS.number(result.control),
                value=result.value,
                score=result.score,
                caught=result.caught,
            )
            for result in measurement.controls
        ],
    )


def _measurement_from_proto(measure: FidelityMeasure, message: fidelity_pb2.FidelityMeasurement) -> FidelityMeasurement:
    field = "report.measurements"
    checks.count(message.controls, MAX_FIDELITY_CONTROLS, f"{field}.controls")
    found = [(_CONTROLS.value(result.control), result) for result in message.controls]
    controls = tuple(
        FidelityControlResult(
            control=control,
            value=_value(measure, result.value, f"{field}.controls.value"),
            score=checks.share(result.score, f"{field}.controls.score"),
            caught=result.caught,
        )
        for control, result in found
        if control is not None
    )
    checks.distinct((result.control for result in controls), f"{field}.controls")
    return FidelityMeasurement(
        measure=measure,
        value=_value(measure, message.value, f"{field}.value"),
        score=checks.share(message.score, f"{field}.score"),
        counted=message.counted,
        reason=checks.text(message.reason, MAX_REASON_CHARS, f"{field}.reason"),
        controls=controls,
    )


def _value(measure: FidelityMeasure, value: float, field: str) -> float:
    largest = _LARGEST[measure]
    return min(checks.number(value, 0, largest + _ROUNDING, field), largest)

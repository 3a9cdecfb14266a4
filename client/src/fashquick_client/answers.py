"""Response streams put together again: every part complete, verified, and listed in the summary."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from fashquick.common.v1 import blob_pb2
from fashquick.features.v1 import features_pb2
from fashquick.garment.v1 import fidelity_pb2, passport_pb2
from fashquick.segmentation.v1 import segmentation_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_client.events import (
    Accepted,
    ConditionMap,
    Event,
    Finished,
    OutputKind,
    Picture,
    Preview,
    Progress,
    Stage,
    StageFinished,
    Turntable,
)
from fashquick_client.parts import ENCODINGS
from fashquick_client.pixels import PixelEncoding, PixelMap
from fashquick_client.quality import MaskQuality, Side
from fashquick_client.results import Candidate, CandidateScores, FidelityResult, Segmentation
from fashquick_common.errors import InternalError, InvalidArgumentError, SizeMismatch
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.garment_codec import fidelity_from_proto, passport_from_proto
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader

# The largest part that the contract allows is RGB8 of 2048 x 3072, the most parts are previews.
_LIMITS = BlobLimits(max_part_bytes=64 * 1024 * 1024, max_parts=4096)
_SIDES = {
    segmentation_pb2.SIDE_LEFT: Side.LEFT,
    segmentation_pb2.SIDE_TOP: Side.TOP,
    segmentation_pb2.SIDE_RIGHT: Side.RIGHT,
    segmentation_pb2.SIDE_BOTTOM: Side.BOTTOM,
}
# Of masks and maps; positions on a photo are none.
_PIXEL_ENCODINGS = {value: name for name, value in ENCODINGS.items() if name is not PixelEncoding.UV16}


class Parts:
    """The parts of one response."""

    def __init__(self) -> None:
        """Make a reader that has seen nothing yet."""
        self._reader = BlobReader(_LIMITS)
        self._digests: dict[str, bytes] = {}

    def announce(self, header: blob_pb2.BlobHeader) -> None:
        """Expect a part.

        Raises:
            InternalError: The server breaks the protocol.
        """
        try:
            self._reader.announce(header)
        except InvalidArgumentError as error:
            raise _broken(error.message) from error

    def add(self, chunk: blob_pb2.Chunk) -> Blob | None:
        """Take a chunk; return its part when this was the last one.

        Raises:
            DataLossError: The part has other bytes than announced.
            InternalError: The server breaks the protocol.
        """
        try:
            blob = self._reader.add(chunk)
        except InvalidArgumentError as error:
            raise _broken(error.message) from error
        if blob is not None:
            self._digests[blob.part] = blob.header.sha256
        return blob

    def check_summary(self, summary: blob_pb2.Summary, passing: Collection[str] = ()) -> None:
        """Return if exactly the parts of the summary have arrived.

        Args:
            summary: The summary.
            passing: Parts that it need not list: previews, of which nobody counts on any.

        Raises:
            SizeMismatch: A part is missing or cut short.
            InternalError: A part arrived that the summary does not list, or lists with another digest.
        """
        self._reader.check_complete()
        listed = {header.part: header.sha256 for header in summary.blobs}
        missing = sorted(listed.keys() - self._digests.keys())
        if missing:
            raise SizeMismatch(f"the answer's summary lists the parts {missing}, which did not arrive")
        if listed != {part: self._digests[part] for part in self._digests if part in listed or part not in passing}:
            raise _broken("its summary does not list the parts that were sent")


class TryOnAnswer:
    """Turns the messages of a TryOn response into events."""

    def __init__(self) -> None:
        """Make it for one attempt."""
        self._parts = Parts()
        self._announced: dict[str, try_on_pb2.ResultPart] = {}
        self._manifest: try_on_pb2.Manifest | None = None
        self.complete = False

    def events(self, message: try_on_pb2.TryOnResponse) -> Iterator[Event]:
        """Yield what a message tells; often nothing, never more than one event.

        Raises:
            DataLossError: A part has other bytes than announced.
            InternalError: The server breaks the protocol.
        """
        match message.WhichOneof("message"):
            case "accepted":
                yield Accepted(message.accepted.request_id, message.accepted.seed)
            case "progress":
                progress = message.progress.progress
                yield Progress(stage_of(message.progress.stage), progress.step, progress.fraction)
            case "stage_finished":
                yield _stage_finished(message.stage_finished)
            case "part":
                self._announced[message.part.blob.part] = message.part
                self._parts.announce(message.part.blob)
            case "chunk":
                blob = self._parts.add(message.chunk)
                if blob is not None:
                    yield from _result(self._announced[blob.part], blob)
            case "manifest":
                self._manifest = message.manifest
            case "summary":
                self._parts.check_summary(message.summary, self._previews())
                if self._manifest is None:
                    raise _broken("it has no manifest")
                self.complete = True
                yield Finished(self._manifest)

    def _previews(self) -> list[str]:
        return [name for name, part in self._announced.items() if _kind(part.kind) is OutputKind.PREVIEW]


class SegmentAnswer:
    """Turns the messages of a Segment response into its results, one for each question."""

    def __init__(self) -> None:
        """Make it for one attempt."""
        self._parts = Parts()
        self._blobs: dict[str, Blob] = {}
        self._due: int | None = None
        self._result: segmentation_pb2.SegmentResult | None = None
        self.complete = False

    def expect(self, number: int) -> None:
        """Expect the result of a question: the number of its prompt, 0 for none."""
        self._due = number

    def add(self, message: segmentation_pb2.SegmentResponse) -> Segmentation | None:
        """Take a message; return the result that was expected when this was the last of its parts.

        Raises:
            DataLossError: A part has other bytes than announced.
            InternalError: The server breaks the protocol.
        """
        match message.WhichOneof("message"):
            case "result":
                self._begin(message.result)
            case "blob":
                self._parts.announce(message.blob)
            case "chunk":
                blob = self._parts.add(message.chunk)
                if blob is not None:
                    self._blobs[blob.part] = blob
            case "summary":
                self._parts.check_summary(message.summary)
                self._check_answered()
                self.complete = True
        return self._finished()

    def _begin(self, result: segmentation_pb2.SegmentResult) -> None:
        if self._due is None or result.number != self._due:
            raise _broken(f"it has a result for question {result.number}, expected was {self._due}")
        self._due, self._result = None, result

    def _finished(self) -> Segmentation | None:
        if self._result is None or self._missing(self._result):
            return None
        found = _segmentation(self._result, self._blobs)
        self._result = None
        self._blobs.clear()
        return found

    def _missing(self, result: segmentation_pb2.SegmentResult) -> list[str]:
        named = [result.mask_part, result.alpha_part, *(each.mask_part for each in result.candidates)]
        if result.foreground_part:
            named.append(result.foreground_part)
        return [part for part in named if part not in self._blobs]

    def _check_answered(self) -> None:
        if self._due is not None:
            raise _broken("it has no result")
        if self._result is not None and (missing := self._missing(self._result)):
            raise _broken(f"it names part {missing[0]!r}, which was not sent")


def cut_short(what: str) -> SizeMismatch:
    """Return the error for a stream that ends well before its summary."""
    return SizeMismatch(f"the answer to {what} ended before its summary; try again")


def quality_of(message: segmentation_pb2.MaskQuality) -> MaskQuality:
    """Return the measures of a mask as a value."""
    return MaskQuality(
        confidence=message.confidence,
        coverage=message.coverage,
        border_contact=message.border_contact,
        fragments=message.fragments,
        warnings=tuple(message.warnings),
        symmetry=message.symmetry,
        boundary_confidence=message.boundary_confidence,
        sharpness=message.sharpness,
        lightness=message.lightness,
        clipped=message.clipped,
        cut_off=tuple(_SIDES[side] for side in message.cut_off if side in _SIDES),
    )


def passport_of(message: passport_pb2.Passport) -> Passport:
    """Return a passport as a value.

    Raises:
        InternalError: The server sent one that is not valid.
    """
    try:
        return passport_from_proto(message)
    except InvalidArgumentError as error:
        raise _broken(error.message) from error


def report_of(message: fidelity_pb2.FidelityReport) -> FidelityReport:
    """Return a fidelity report as a value.

    Raises:
        InternalError: The server sent one that is not valid.
    """
    try:
        return fidelity_from_proto(message)
    except InvalidArgumentError as error:
        raise _broken(error.message) from error


def fidelity_of(message: features_pb2.ScoreFidelityResponse) -> FidelityResult:
    """Return a fidelity report, and who made it; raises what `report_of` does."""
    report = report_of(message.report)
    return FidelityResult(report, message.backend, message.backend_digest, message.compute_seconds, message.version)


def stage_of(value: try_on_pb2.Stage.ValueType) -> Stage:
    """Return a stage by its number on the wire."""
    if value not in try_on_pb2.Stage.values():
        return Stage.UNKNOWN
    return Stage.__members__.get(try_on_pb2.Stage.Name(value).removeprefix("STAGE_"), Stage.UNKNOWN)


def _kind(value: try_on_pb2.OutputKind.ValueType) -> OutputKind | None:
    if value not in try_on_pb2.OutputKind.values():
        return None
    return OutputKind.__members__.get(try_on_pb2.OutputKind.Name(value).removeprefix("OUTPUT_KIND_"))


def _stage_finished(message: try_on_pb2.StageFinished) -> StageFinished:
    finding = message.WhichOneof("finding")
    return StageFinished(
        stage_of(message.stage),
        message.seconds,
        message.garment,
        message.view,
        mask_quality=quality_of(message.mask_quality) if finding == "mask_quality" else None,
        passport=passport_of(message.passport) if finding == "passport" else None,
        fidelity=report_of(message.fidelity) if finding == "fidelity" else None,
    )


def _result(part: try_on_pb2.ResultPart, blob: Blob) -> Iterator[Event]:
    kind = _kind(part.kind)
    match kind:
        case None:
            return  # Something that a newer server sends and this client does not know.
        case OutputKind.PREVIEW:
            yield Preview(bytes(blob.data), blob.header.media_type)
        case OutputKind.TURNTABLE:
            yield Turntable(bytes(blob.data), blob.header.media_type)
        case OutputKind.PICTURE:
            yield Picture(bytes(blob.data), blob.header.media_type, part.garment, part.sample, part.view)
        case _:
            yield ConditionMap(kind, _pixels(blob), part.garment, part.sample, part.view)


def _segmentation(result: segmentation_pb2.SegmentResult, blobs: Mapping[str, Blob]) -> Segmentation:
    return Segmentation(
        mask=_pixels(blobs[result.mask_part]),
        alpha=_pixels(blobs[result.alpha_part]),
        foreground=_pixels(blobs[result.foreground_part]) if result.foreground_part else None,
        quality=quality_of(result.quality),
        candidates=tuple(_candidate(message, blobs[message.mask_part]) for message in result.candidates),
        backend=result.backend,
        backend_digest=result.backend_digest,
        compute_seconds=result.compute_seconds,
    )


def _candidate(message: segmentation_pb2.Candidate, mask: Blob) -> Candidate:
    scores = message.scores
    return Candidate(
        mask=_pixels(mask),
        score=message.score,
        scores=CandidateScores(
            predicted_iou=scores.predicted_iou,
            stability=scores.stability,
            prior=scores.prior,
            edges=scores.edges,
            solidity=scores.solidity,
            border=scores.border,
        )
        if message.HasField("scores")
        else None,
        source=message.source,
        other_garment=message.other_garment,
    )


def _pixels(blob: Blob) -> PixelMap:
    header = blob.header
    if header.encoding not in _PIXEL_ENCODINGS:
        raise _broken(f"part {header.part!r} has encoding {header.encoding}, which is none for pixels")
    return PixelMap(_PIXEL_ENCODINGS[header.encoding], header.width, header.height, bytes(blob.data))


def _broken(how: str) -> InternalError:
    return InternalError(f"the server's answer breaks the protocol: {how}")

"""Another implementation of the segmentation contract, from its protos alone: synchronous gRPC, garments by colour.

It shares no line with the servers of this repository.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import queue
import re
import threading
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
from google.protobuf import duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from PIL import Image

from fashquick.common.v1 import blob_pb2, limits_pb2, progress_pb2, server_info_pb2, server_info_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick.segmentation.v1 import segmentation_pb2_grpc

NAME = "fashquick.segmentation.v1.SegmentationService"
MIB = 1024 * 1024
LIMITS = limits_pb2.Limits(
    max_file_bytes=8 * MIB,
    max_pixels=16_000_000,
    min_side=64,
    working_side=1024,
    max_chunk_bytes=MIB,
    max_parts=3,
    upload_idle_seconds=1.0,
    byte_budget=32 * MIB,
    queue_length=4,
)
STEPS = 40
STEP_S = 0.01  # Slow enough to be caught at work.
RETRY_MS = 500


class Refusal(Exception):
    """A status, its reason, and what the caller should know."""

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.field = code, reason, message, field

    def details(self) -> list[Any]:
        details: list[Any] = [error_details_pb2.ErrorInfo(reason=self.reason, domain="fashquick")]
        match self.code:
            case grpc.StatusCode.INVALID_ARGUMENT:
                violation = error_details_pb2.BadRequest.FieldViolation(field=self.field, description=self.message)
                details.append(error_details_pb2.BadRequest(field_violations=[violation]))
            case grpc.StatusCode.FAILED_PRECONDITION:
                failed = error_details_pb2.PreconditionFailure.Violation(type=self.reason, description=self.message)
                details.append(error_details_pb2.PreconditionFailure(violations=[failed]))
            case grpc.StatusCode.RESOURCE_EXHAUSTED:
                delay = duration_pb2.Duration(nanos=RETRY_MS * 1_000_000)
                details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        return details

    def trailers(self) -> list[tuple[str, str | bytes]]:
        status = status_pb2.Status(code=code_pb2.Code.Value(self.code.name), message=self.message)
        for detail in self.details():
            status.details.add().Pack(detail)
        trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", status.SerializeToString())]
        if self.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            trailers.append(("grpc-retry-pushback-ms", str(RETRY_MS)))
        return trailers


def bad(reason: str, message: str, field: str = "") -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, reason, message, field)


class OtherSegmentation(segmentation_pb2_grpc.SegmentationServiceServicer):
    """Takes for the garment whatever has another colour than the photo's border."""

    idle_s = LIMITS.upload_idle_seconds

    def __init__(self) -> None:
        self.compute_steps = 0
        self.in_progress = 0
        self.announced = 0
        self.waiting = 0
        self._numbers = threading.Lock()
        self._compute = threading.Lock()

    def Segment(  # noqa: N802 - the contract's name
        self, requests: Iterator[pb.SegmentRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.SegmentResponse]:
        with self.count("in_progress", 1):
            try:
                yield from self.answers(self.patient(requests), context)
            except Refusal as refusal:
                self.refuse(refusal, context)

    def refuse(self, refusal: Refusal, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata(refusal.trailers())
        context.abort(refusal.code, refusal.message)

    @contextlib.contextmanager
    def count(self, what: str, amount: int) -> Iterator[int]:
        with self._numbers:
            before = getattr(self, what)
            setattr(self, what, before + amount)
        try:
            yield before
        finally:
            with self._numbers:
                setattr(self, what, getattr(self, what) - amount)

    def patient(self, requests: Iterable[pb.SegmentRequest]) -> Iterator[pb.SegmentRequest]:
        """The messages, each within the idle limit."""
        waiting: queue.SimpleQueue[pb.SegmentRequest | None] = queue.SimpleQueue()

        def read() -> None:
            with contextlib.suppress(grpc.RpcError):
                for request in requests:
                    waiting.put(request)
            waiting.put(None)

        threading.Thread(target=read, daemon=True).start()
        try:
            while (request := waiting.get(timeout=self.idle_s)) is not None:
                yield request
        except queue.Empty:
            raise Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "UPLOAD_STALLED", "no message came in time") from None

    def answers(self, requests: Iterator[pb.SegmentRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        first = next(requests, None)
        if first is None or first.WhichOneof("message") != "header":
            raise bad("UPLOAD_OUT_OF_ORDER", "send a header first")
        header = first.header
        check_header(header)
        size = sum(blob.size_bytes for blob in header.blobs)
        with self.count("announced", size) as announced:
            if announced + size > LIMITS.byte_budget:
                raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "BYTES_EXHAUSTED", "too much at one time")
            parts = self.read(header, requests)
            photo = read_photo(header, parts)
            mask = self.segment(photo, context)
            if not mask.any():
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "NO_GARMENT", "nothing but ground; come closer")
            yield from self.result(mask)

    def read(self, header: pb.SegmentHeader, requests: Iterator[pb.SegmentRequest]) -> dict[str, bytes]:
        parts: dict[str, bytes] = {}
        for blob in header.blobs:
            data = bytearray()
            while len(data) < blob.size_bytes:
                message = next(requests, None)
                if message is None:
                    raise Refusal(grpc.StatusCode.DATA_LOSS, "SIZE_MISMATCH", f"{blob.part} ends early")
                check_chunk(message, blob.part, len(data))
                data += message.chunk.data
            if len(data) > blob.size_bytes:
                raise Refusal(grpc.StatusCode.DATA_LOSS, "SIZE_MISMATCH", f"{blob.part} is longer than announced")
            self.check_digest(blob, bytes(data))
            parts[blob.part] = bytes(data)
        rest = next(requests, None)
        if rest is not None and rest.WhichOneof("message") == "prompt":
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "NOT_BUILT", "prompts are not built")
        if rest is not None:
            raise bad("UPLOAD_OUT_OF_ORDER", "everything that was announced has come; close the stream")
        return parts

    def check_digest(self, blob: blob_pb2.BlobHeader, data: bytes) -> None:
        if hashlib.sha256(data).digest() != blob.sha256:
            raise Refusal(grpc.StatusCode.DATA_LOSS, "DIGEST_MISMATCH", f"{blob.part} has another SHA-256")

    def stopped(self, context: grpc.ServicerContext) -> bool:
        return not context.is_active()

    def segment(self, photo: np.ndarray, context: grpc.ServicerContext) -> np.ndarray:
        with self.count("waiting", 1) as before:
            if before > LIMITS.queue_length:
                raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", "the line is full")
            with self._compute:
                border = np.concatenate([photo[:4].reshape(-1, 3), photo[-4:].reshape(-1, 3)])
                ground, spread = border.mean(axis=0), border.std(axis=0) + 4
                bands = []
                for band in np.array_split(photo, STEPS):
                    if self.stopped(context):
                        raise Refusal(grpc.StatusCode.CANCELLED, "CANCELLED", "the caller left")
                    bands.append((np.abs(band - ground) > 3 * spread).any(axis=2))
                    time.sleep(STEP_S)
                    self.compute_steps += 1
        return np.concatenate(bands)

    def result(self, mask: np.ndarray) -> Iterator[pb.SegmentResponse]:
        height, width = mask.shape
        yield pb.SegmentResponse(progress=progress_pb2.Progress(step="threshold", fraction=1.0))
        quality = pb.MaskQuality(confidence=0.5, coverage=float(mask.mean()), fragments=1)
        yield pb.SegmentResponse(
            result=pb.SegmentResult(
                mask_part="m",
                alpha_part="soft/alpha",
                width=width,
                height=height,
                quality=quality,
                backend="colour",
                backend_digest=hashlib.sha256(b"colour").hexdigest(),
                compute_seconds=STEPS * STEP_S,
                version="1",
            )
        )
        packed = zlib.compress(np.packbits(mask, axis=1).tobytes())
        parts = {
            "m": (blob_pb2.ENCODING_BITS1, packed),
            "soft/alpha": (blob_pb2.ENCODING_GRAY8, zlib.compress((mask * np.uint8(255)).tobytes())),
        }
        headers = []
        for part, (encoding, data) in parts.items():
            digest = hashlib.sha256(data).digest()
            headers.append(
                blob_pb2.BlobHeader(
                    part=part, encoding=encoding, width=width, height=height, size_bytes=len(data), sha256=digest
                )
            )
            yield pb.SegmentResponse(blob=headers[-1])
            yield pb.SegmentResponse(chunk=blob_pb2.Chunk(part=part, data=data))
        yield pb.SegmentResponse(summary=self.summary(headers))

    def summary(self, headers: list[blob_pb2.BlobHeader]) -> blob_pb2.Summary:
        return blob_pb2.Summary(blobs=headers)


def check_header(header: pb.SegmentHeader) -> None:
    if not re.fullmatch(r"[\x21-\x7e]{0,128}", header.request_id):
        raise bad("BAD_FIELD", "request_id is not printable ASCII", "request_id")
    if header.max_candidates > 16:
        raise bad("BAD_FIELD", "at most 16 candidates", "max_candidates")
    if header.backend == pb.BACKEND_SAM2:
        raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "MODEL_NOT_INSTALLED", "there is no SAM 2 here")
    names = [blob.part for blob in header.blobs]
    if len(names) > LIMITS.max_parts or len(set(names)) < len(names):
        raise bad("BAD_FIELD", "too many parts, or one twice", "blobs")
    for blob in header.blobs:
        raw = blob.encoding > blob_pb2.ENCODING_FILE
        if not re.fullmatch(r"[a-z0-9._/-]{1,64}", blob.part) or len(blob.sha256) != 32 or not blob.size_bytes:
            raise bad("BAD_FIELD", "a part's name, SHA-256 or size is not valid", "blobs")
        if blob.size_bytes > LIMITS.max_file_bytes:
            raise bad("IMAGE_TOO_LARGE", f"{blob.part} is too large", blob.part)
        if raw and not (blob.width and blob.height):
            raise bad("BAD_FIELD", "a raw picture has a size", "blobs.width")


def check_chunk(message: pb.SegmentRequest, part: str, offset: int) -> None:
    if message.WhichOneof("message") != "chunk":
        raise bad("UPLOAD_OUT_OF_ORDER", "send the chunks that were announced")
    chunk = message.chunk
    if not 0 < len(chunk.data) <= LIMITS.max_chunk_bytes:
        raise bad("BAD_FIELD", "a chunk has 1 byte to 1 MiB", "chunk.data")
    if (chunk.part, chunk.offset) != (part, offset):
        raise bad("UPLOAD_OUT_OF_ORDER", f"{part} from byte {offset} was expected")


def read_photo(header: pb.SegmentHeader, parts: dict[str, bytes]) -> np.ndarray:
    """The photo as HxWx3 uint8; the hint is looked at and not used."""
    blobs = {blob.part: blob for blob in header.blobs}
    if header.photo_part not in parts or header.mask_hint_part not in {"", *parts}:
        raise bad("BAD_FIELD", "a part is named that was not sent", "photo_part")
    photo = pixels(blobs[header.photo_part], parts[header.photo_part], 3)
    if min(photo.shape[:2]) < LIMITS.min_side:
        raise bad("IMAGE_TOO_SMALL", "photograph it larger", header.photo_part)
    if photo.min() == photo.max():
        raise bad("IMAGE_BLANK", "nothing is to be seen", header.photo_part)
    if header.mask_hint_part:
        hint = pixels(blobs[header.mask_hint_part], parts[header.mask_hint_part], 1)
        if hint.shape[:2] != photo.shape[:2] or hint.min() == hint.max():
            raise bad("BAD_MASK", "the hint does not fit the photo", header.mask_hint_part)
    return photo


def pixels(blob: blob_pb2.BlobHeader, data: bytes, channels: int) -> np.ndarray:
    if blob.encoding <= blob_pb2.ENCODING_FILE:
        return open_file(data, blob.part, "RGB" if channels == 3 else "L")
    raw = data if blob.encoding == blob_pb2.ENCODING_RGB8 else zlib.decompress(data)
    if len(raw) != blob.width * blob.height * channels:
        raise bad("BAD_FIELD", "the bytes do not fit the size", "blobs.width")
    return np.frombuffer(raw, np.uint8).reshape(blob.height, blob.width, channels)


def open_file(data: bytes, part: str, mode: str) -> np.ndarray:
    try:
        picture = Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"])
    except OSError:
        raise bad("NOT_AN_IMAGE", f"{part} is no picture", part) from None
    except Image.DecompressionBombError:
        raise bad("IMAGE_TOO_LARGE", f"{part} has too many pixels", part) from None
    if picture.width * picture.height > LIMITS.max_pixels:
        raise bad("IMAGE_TOO_LARGE", f"{part} has too many pixels", part)
    try:
        picture.thumbnail((LIMITS.working_side, LIMITS.working_side))
        return np.array(picture.convert(mode))
    except OSError:
        raise bad("IMAGE_DAMAGED", f"{part} is damaged", part) from None


class OtherInfo(server_info_pb2_grpc.ServerInfoServiceServicer):
    """Tells what the server is."""

    def __init__(self, segmentation: OtherSegmentation) -> None:
        self._segmentation = segmentation
        self._instance_id = uuid.uuid4().hex

    def GetServerInfo(  # noqa: N802 - the contract's name
        self, request: server_info_pb2.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> server_info_pb2.GetServerInfoResponse:
        digest = hashlib.sha256(b"colour").hexdigest()
        return server_info_pb2.GetServerInfoResponse(
            service="segmentation",
            version="1",
            process_id=os.getpid(),
            instance_id=self._instance_id,
            ready=True,
            limits=LIMITS,
            backends=[server_info_pb2.Backend(name="colour", digest=digest, device="cpu")],
            compute_steps=self._segmentation.compute_steps,
            calls_in_progress=self._segmentation.in_progress,
        )


@contextlib.contextmanager
def other_server(segmentation: OtherSegmentation, info: bool = True) -> Iterator[str]:
    """Serve until the context ends, with or without ServerInfoService; yields host:port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=32))
    segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server(segmentation, server)
    if info:
        server_info_pb2_grpc.add_ServerInfoServiceServicer_to_server(OtherInfo(segmentation), server)
    well = health.HealthServicer()
    well.set(NAME, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(well, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()

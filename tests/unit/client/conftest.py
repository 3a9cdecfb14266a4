"""Real gRPC servers on port 0 that give canned, correct answers."""

import io
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image

from fashquick.common.v1 import (
    blob_pb2,
    models_pb2,
    models_pb2_grpc,
    progress_pb2,
    server_info_pb2,
    server_info_pb2_grpc,
)
from fashquick.features.v1 import features_pb2, features_pb2_grpc
from fashquick.garment.v1 import fidelity_pb2
from fashquick.generation.v1 import diffusion_pb2, scene_pb2
from fashquick.segmentation.v1 import segmentation_pb2, segmentation_pb2_grpc
from fashquick.tryon.v1 import try_on_pb2, try_on_pb2_grpc
from fashquick_client import Client
from fashquick_common.errors import FashquickError, ModelInUse, ModelNotInstalled, NotFound
from fashquick_common.garment import Category, CategoryGuess, Landmark, LandmarkName, PaletteColour, Passport
from fashquick_common.garment_codec import fidelity_to_proto, passport_to_proto
from fashquick_common.rpc.blobs import (
    ENCODING_BITS1,
    ENCODING_FILE,
    ENCODING_GRAY8,
    ENCODING_RGB8,
    Blob,
    BlobLimits,
    BlobReader,
    chunks_of,
    make_blob,
)
from fashquick_common.rpc.status import code_of, trailers_of
from tests.support.command import picture_file
from tests.support.garments import STRIPED_REPORT

PASSPORT = Passport(
    categories=(CategoryGuess(Category.T_SHIRT, 0.75), CategoryGuess(Category.DRESS, 0.25)),
    landmarks={LandmarkName.NECK_LEFT: Landmark(5.5, 1.5, 1.0)},
    palette=(
        PaletteColour((200, 30, 40), (43.0, 62.0, 39.0), 0.75, "red"),
        PaletteColour((250, 250, 250), (98.0, 0.0, 0.0), 0.25, "white"),
    ),
    photo_width=8,
    photo_height=6,
    coverage=0.5,
)
QUALITY = segmentation_pb2.MaskQuality(
    confidence=0.5,
    coverage=0.25,
    border_contact=0.0,
    fragments=1,
    symmetry=0.75,
    boundary_confidence=0.625,
    sharpness=0.125,
    lightness=62.5,
    clipped=0.0625,
    cut_off=[segmentation_pb2.SIDE_LEFT, 77, segmentation_pb2.SIDE_BOTTOM],  # 77: of a newer server.
)


def _noise() -> bytes:
    """A PNG of 1.2 MB: three chunks."""
    out = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (800, 500, 3), np.uint8)
    Image.fromarray(pixels).save(out, "PNG", compress_level=0)
    return out.getvalue()


PICTURE = _noise()

WIDTH, HEIGHT = 8, 6
MODELS = ("tiny", "small", "large")
# Rows of 8 pixels: the left half is garment, and the right half another one.
DEPTH_GREY = zlib.compress(bytes(range(WIDTH * HEIGHT)))
MASK_BITS = zlib.compress(bytes([0b11110000]) * HEIGHT)
OTHER_BITS = zlib.compress(bytes([0b00001111]) * HEIGHT)
OWN_COLOUR = (200, 0, 0)
SCORES = segmentation_pb2.CandidateScores(
    predicted_iou=0.5, stability=0.25, prior=0.125, edges=0.75, solidity=0.625, border=1.0
)
MAKING = diffusion_pb2.DiffusionRecord(
    profile="sd15-4gb",
    weights="a" * 64,
    prompt="a woman in a red t-shirt\x1b[2J",
    negative_prompt="blurry",
    region_prompts=[diffusion_pb2.RegionPrompt(kind=diffusion_pb2.REGION_KIND_FACE, prompt="a face")],
    seed=5,
    steps=20,
    strength=0.45,
    guidance=7.5,
    control=1.0,
    scheduler="DPM++",
    plan="model-offload",
    batch_size=2,
    device="cuda:0",
    precision="float16",
    regions=[
        diffusion_pb2.RegionRecord(kind=diffusion_pb2.REGION_KIND_FACE, seed=6),
        diffusion_pb2.RegionRecord(kind=diffusion_pb2.REGION_KIND_HAND_LEFT, note="it is hidden"),
        diffusion_pb2.RegionRecord(kind=77, seed=8),  # Of a newer server.
    ],
)
REPAIR = try_on_pb2.RepairRecord(
    garment=0,
    grade_before=fidelity_pb2.FIDELITY_GRADE_LOST,
    overall_before=0.25,
    grade_after=fidelity_pb2.FIDELITY_GRADE_CLOSE,
    overall_after=0.75,
    attempts=[
        try_on_pb2.RepairAttempt(seed=1, grade=fidelity_pb2.FIDELITY_GRADE_CLOSE, overall=0.75, kept=True),
        try_on_pb2.RepairAttempt(seed=2, failure="no room"),
    ],
)
ALPHA_BYTES = zlib.compress(bytes([255, 255, 255, 128, 0, 0, 0, 0]) * HEIGHT)


class FakeServer(
    try_on_pb2_grpc.TryOnServiceServicer,
    segmentation_pb2_grpc.SegmentationServiceServicer,
    features_pb2_grpc.FeaturesServiceServicer,
    server_info_pb2_grpc.ServerInfoServiceServicer,
    models_pb2_grpc.ModelServiceServicer,
):
    """All services behind one port.

    `failures` holds one entry an attempt: an error to raise after the upload, or None. `early_failures` are raised
    after the header, while the upload goes on, `prompt_failures` in the place of the answers to prompts.
    """

    def __init__(self) -> None:
        self.failures: list[FashquickError | None] = []
        self.early_failures: list[FashquickError] = []
        self.headers: list[object] = []
        self.metadata: list[dict[str, str]] = []
        self.chunk_sizes: list[int] = []
        self.uploads: list[dict[str, bytes]] = []
        self.deadlines: list[float] = []
        self.begun = threading.Event()
        self.cancelled = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        self.spoil: Callable[[list[object]], list[object]] = list
        self.fail_after_progress: list[FashquickError] = []
        self.fail_after_picture: list[FashquickError] = []
        self.picture = PICTURE
        self.has_foreground = True
        self.passport = passport_to_proto(PASSPORT)
        self.report = fidelity_to_proto(STRIPED_REPORT)
        self.prompts: list[segmentation_pb2.Prompt] = []
        self.prompt_failures: list[FashquickError | None] = []
        self.clean_ends = 0
        self.damaged: set[str] = set()
        self.models = {name: models_pb2.Model(name=name, backend="sam2", weight_bytes=155 << 20) for name in MODELS}
        self.models["tiny"].MergeFrom(models_pb2.Model(file="tiny.pt", sha256="ab" * 32, is_default=True))
        self.models["small"].MergeFrom(models_pb2.Model(file="small.pt", sha256="cd" * 32))
        self.port = 0

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _begin(self, messages, context) -> object:
        self.metadata.append(dict(context.invocation_metadata()))
        self.deadlines.append(context.time_remaining())
        context.add_callback(self.cancelled.set)
        header = next(messages).header
        if self.early_failures:
            self._fail(self.early_failures.pop(0), context)
        reader = BlobReader(BlobLimits(64 << 20, 8))
        for announced in header.blobs:
            reader.announce(announced)
        upload = {}
        while not reader.complete:
            message = next(messages)
            self.chunk_sizes.append(len(message.chunk.data))
            blob = reader.add(message.chunk)
            if blob is not None:
                upload[blob.part] = bytes(blob.data)
        self.headers.append(header)
        self.uploads.append(upload)
        self.begun.set()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            self._fail(failure, context)
        return header

    @staticmethod
    def _fail(error: FashquickError, context) -> None:
        context.set_trailing_metadata(trailers_of(error))
        context.abort(code_of(error), error.message)

    def TryOn(self, request_iterator, context):  # noqa: N802 - the contract's name
        header = self._begin(request_iterator, context)
        yield from self._responses(header, context)

    def _responses(self, header, context):
        seed = header.seed if header.HasField("seed") else 42
        yield try_on_pb2.TryOnResponse(accepted={"request_id": header.request_id, "seed": seed})
        yield _progress(try_on_pb2.STAGE_SEGMENTATION, "cut", 0.5)
        yield _finished(try_on_pb2.STAGE_SEGMENTATION, mask_quality=QUALITY)
        if self.fail_after_progress:
            self._fail(self.fail_after_progress.pop(0), context)
        yield _finished(try_on_pb2.STAGE_FEATURES, passport=passport_to_proto(PASSPORT))
        yield _progress(try_on_pb2.STAGE_GENERATION, "drape", 0.25)
        if not self.hold.wait(10):
            raise TimeoutError
        yield _progress(try_on_pb2.STAGE_GENERATION, "light", 0.75)
        yield _finished(try_on_pb2.STAGE_GENERATION)
        if not header.options.without_fidelity:
            yield _finished(try_on_pb2.STAGE_FIDELITY, fidelity=self.report)
        if header.options.HasField("diffusion"):
            yield _finished(try_on_pb2.STAGE_REPAIR)
            yield _finished(try_on_pb2.STAGE_FIDELITY, fidelity=self.report)
        yield from self.spoil(self._results(header, seed))
        if self.fail_after_picture:
            self._fail(self.fail_after_picture.pop(0), context)

    def _results(self, header, seed) -> list[object]:
        preview = make_blob("preview/0", b"small", ENCODING_FILE, media_type="image/jpeg")
        parts: list[tuple[int, Blob, int]] = [(try_on_pb2.OUTPUT_KIND_PREVIEW, preview, 0)]
        for view in range(max(len(header.views), 1)):
            picture = make_blob(
                f"view/{view}/picture", self.picture + bytes(view), ENCODING_FILE, media_type="image/png"
            )
            parts.append((try_on_pb2.OUTPUT_KIND_PICTURE, picture, view))
        if try_on_pb2.OUTPUT_KIND_PHOTO_MASK in header.outputs:
            mask = make_blob("photo-mask", MASK_BITS, ENCODING_BITS1, width=WIDTH, height=HEIGHT)
            parts.append((try_on_pb2.OUTPUT_KIND_PHOTO_MASK, mask, 0))
        if try_on_pb2.OUTPUT_KIND_BASE in header.outputs:
            drawn = bytes([200, 30, 40]) * (WIDTH * HEIGHT)
            base = make_blob("base", drawn, ENCODING_RGB8, width=WIDTH, height=HEIGHT)
            parts.append((try_on_pb2.OUTPUT_KIND_BASE, base, 0))
        if try_on_pb2.OUTPUT_KIND_DEPTH in header.outputs:
            depth = make_blob("depth", DEPTH_GREY, ENCODING_GRAY8, width=WIDTH, height=HEIGHT)
            parts.append((try_on_pb2.OUTPUT_KIND_DEPTH, depth, 0))
        messages: list[object] = []
        for kind, blob, view in parts:
            part = try_on_pb2.ResultPart(blob=blob.header, kind=kind, view=view)
            messages.append(try_on_pb2.TryOnResponse(part=part))
            messages.extend(try_on_pb2.TryOnResponse(chunk=chunk) for chunk in chunks_of(blob))
        manifest = try_on_pb2.Manifest(
            request_id=header.request_id,
            seed=seed,
            inputs=[try_on_pb2.Input(part="photo", sha256=header.blobs[0].sha256, format="jpeg", width=8, height=6)],
            stages=[try_on_pb2.StageRecord(stage=try_on_pb2.STAGE_GENERATION, backend="studio", seconds=1.5)],
            passport=passport_to_proto(PASSPORT),
            scene=scene_pb2.Scene(body="woman", width=768, height=1152),
            warnings=["The photo is dark."],
            facts={"stretch": 1.25},
            outputs=[blob.header for _, blob, _ in parts],
            fidelity=None if header.options.without_fidelity else self.report,
            views=[
                try_on_pb2.ViewRecord(
                    keypoints=[scene_pb2.Keypoint(name="nose", x=4.0, y=1.5, visible=True)],
                    fidelity=[]
                    if header.options.without_fidelity
                    else [try_on_pb2.GarmentFidelity(garment=0, report=self.report)],
                    diffusion=MAKING if header.options.HasField("diffusion") else None,
                    repairs=[REPAIR] if header.options.HasField("diffusion") else [],
                )
            ]
            * max(len(header.views), 1),
        )
        messages.append(try_on_pb2.TryOnResponse(manifest=manifest))
        messages.append(try_on_pb2.TryOnResponse(summary=blob_pb2.Summary(blobs=[blob.header for _, blob, _ in parts])))
        return messages

    def Segment(self, request_iterator, context):  # noqa: N802 - the contract's name
        header = self._begin(request_iterator, context)
        sent: list[Blob] = []
        yield segmentation_pb2.SegmentResponse(progress=progress_pb2.Progress(step="cut", fraction=0.5))
        asked = next(request_iterator, None)
        if asked is None:
            messages = self._answer(header, 0, sent)
            yield from self.spoil([*messages, _summary(sent)])
            return
        while asked is not None:
            self.prompts.append(asked.prompt)
            failure = self.prompt_failures.pop(0) if self.prompt_failures else None
            if failure is not None:
                self._fail(failure, context)
            if not self.hold.wait(10):
                raise TimeoutError
            yield from self.spoil(self._answer(header, asked.prompt.number, sent))
            asked = _next(request_iterator)
        yield from self.spoil([_summary(sent)])
        self.clean_ends += 1

    def _answer(self, header, number: int, sent: list[Blob]) -> list[object]:
        """The result of a question and its parts, which are noted in `sent`."""
        prefix = f"{number}/" if number else ""
        size = {"width": WIDTH, "height": HEIGHT}
        blobs = [
            make_blob(f"{prefix}mask", MASK_BITS, ENCODING_BITS1, **size),
            make_blob(f"{prefix}alpha", ALPHA_BYTES, ENCODING_GRAY8, **size),
        ]
        candidates = [
            segmentation_pb2.Candidate(score=0.5, scores=SCORES, source="box points 1"),
            segmentation_pb2.Candidate(score=0.25, other_garment=True),
        ][: header.max_candidates]
        for index, (candidate, bits) in enumerate(zip(candidates, (MASK_BITS, OTHER_BITS), strict=False)):
            candidate.mask_part = f"{prefix}candidate/{index}"
            blobs.append(make_blob(candidate.mask_part, bits, ENCODING_BITS1, **size))
        result = segmentation_pb2.SegmentResult(
            number=number,
            mask_part=blobs[0].part,
            alpha_part=blobs[1].part,
            quality=QUALITY,
            candidates=candidates,
            backend="embedded",
            **size,
        )
        if header.foreground and self.has_foreground:
            result.foreground_part = f"{prefix}foreground"
            blobs.append(make_blob(result.foreground_part, bytes(OWN_COLOUR) * WIDTH * HEIGHT, ENCODING_RGB8, **size))
        sent += blobs
        messages: list[object] = [segmentation_pb2.SegmentResponse(result=result)]
        for blob in blobs:
            messages.append(segmentation_pb2.SegmentResponse(blob=blob.header))
            messages.extend(segmentation_pb2.SegmentResponse(chunk=chunk) for chunk in chunks_of(blob))
        return messages

    def ListModels(self, _request, _context):  # noqa: N802 - the contract's name
        return models_pb2.ListModelsResponse(models=self.models.values(), budget_bytes=2 << 30)

    def LoadModel(self, request, context):  # noqa: N802 - the contract's name
        model = self._model(request.name, context)
        model.loaded = model.verified = True
        return models_pb2.LoadModelResponse(model=model)

    def UnloadModel(self, request, context):  # noqa: N802 - the contract's name
        model = self._model(request.name, context)
        if model.users:
            self._fail(ModelInUse(f"{model.users} calls compute with {model.name}"), context)
        model.loaded = False
        return models_pb2.UnloadModelResponse(model=model)

    def VerifyModel(self, request, context):  # noqa: N802 - the contract's name
        model = self._model(request.name, context)
        if model.name in self.damaged:
            self._fail(ModelNotInstalled(f"{model.file} has another SHA-256 than listed"), context)
        model.verified = True
        return models_pb2.VerifyModelResponse(model=model)

    def _model(self, name: str, context) -> models_pb2.Model:
        if name not in self.models:
            self._fail(NotFound(f"there is no model {name!r}"), context)
        if not self.models[name].file:
            self._fail(ModelNotInstalled(f"{name} is not installed"), context)
        return self.models[name]

    def ExtractFeatures(self, request_iterator, context):  # noqa: N802 - the contract's name
        self._begin(request_iterator, context)
        return features_pb2.ExtractFeaturesResponse(passport=self.passport, backend="classic")

    def ScoreFidelity(self, request_iterator, context):  # noqa: N802 - the contract's name
        self._begin(request_iterator, context)
        return features_pb2.ScoreFidelityResponse(
            report=self.report, backend="classic", backend_digest="ab" * 32, compute_seconds=0.25, version="0.1.0"
        )

    def GetServerInfo(self, _request, _context):  # noqa: N802 - the contract's name
        return server_info_pb2.GetServerInfoResponse(service="orchestrator", ready=True, process_id=1234)


def _summary(blobs: list[Blob]) -> segmentation_pb2.SegmentResponse:
    return segmentation_pb2.SegmentResponse(summary=blob_pb2.Summary(blobs=[blob.header for blob in blobs]))


def _next(requests):
    """The next message, or None at the end of the stream, whoever ended it."""
    try:
        return next(requests, None)
    except grpc.RpcError:
        return None


def _progress(stage: int, step: str, fraction: float) -> try_on_pb2.TryOnResponse:
    return try_on_pb2.TryOnResponse(progress={"stage": stage, "progress": {"step": step, "fraction": fraction}})


def _finished(stage: int, **finding: object) -> try_on_pb2.TryOnResponse:
    return try_on_pb2.TryOnResponse(stage_finished=try_on_pb2.StageFinished(stage=stage, seconds=0.5, **finding))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    running = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    try_on_pb2_grpc.add_TryOnServiceServicer_to_server(fake, running)
    segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server(fake, running)
    features_pb2_grpc.add_FeaturesServiceServicer_to_server(fake, running)
    server_info_pb2_grpc.add_ServerInfoServiceServicer_to_server(fake, running)
    models_pb2_grpc.add_ModelServiceServicer_to_server(fake, running)
    fake.port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    yield fake
    fake.hold.set()
    running.stop(grace=None).wait()


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[Client]:
    async with Client(server.endpoint, segmentation=server.endpoint, features=server.endpoint) as connected:
        yield connected


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A file that the fake server takes for a photo."""
    path = tmp_path / "shirt.jpg"
    path.write_bytes(b"\xff\xd8\xff a photo")
    return path


@pytest.fixture
def shirts(tmp_path: Path) -> list[Path]:
    """Three photos that can be decoded."""
    paths = [tmp_path / f"{name}.jpg" for name in ("one", "two", "three")]
    for path in paths:
        path.write_bytes(picture_file())
    return paths


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder

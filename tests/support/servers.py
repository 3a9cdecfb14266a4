"""Real servers on free loopback ports, inside the test's own event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import grpc

from fashquick_common.rpc.channel import open_channel
from fashquick_common.server.kit import Kit
from fashquick_common.server.runtime import Server, Service
from fashquick_common.server.settings import ServerSettings
from fashquick_common.server.tracing import Tracing
from fashquick_features.servicer import features_service
from fashquick_generation.servicer import generation_service
from fashquick_orchestrator.config import OrchestratorSettings
from fashquick_orchestrator.servicer import tryon_service
from fashquick_segmentation.servicer import segmentation_service
from tests.support.toys import ToyAnalyser, ToyDiffusion, ToyGenerator, ToySegmenter

METHODS = {
    "segmentation": "/fashquick.segmentation.v1.SegmentationService/Segment",
    "features": "/fashquick.features.v1.FeaturesService/ExtractFeatures",
    "generation": "/fashquick.generation.v1.GenerationService/Generate",
    "orchestrator": "/fashquick.tryon.v1.TryOnService/TryOn",
}


@contextlib.asynccontextmanager
async def running(
    settings: ServerSettings, make: Callable[[Kit], Service], tracing: Tracing | None = None
) -> AsyncIterator[Server]:
    """A server that listens until the context ends."""
    server = Server(settings, make, tracing)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass
class Stack:
    """Four servers with toy engines, one channel to each."""

    segmenter: ToySegmenter
    analyser: ToyAnalyser
    generator: ToyGenerator
    diffusion: ToyDiffusion
    servers: dict[str, Server]
    channels: dict[str, grpc.aio.Channel]

    def target(self, service: str) -> str:
        return f"127.0.0.1:{self.servers[service].port}"


@contextlib.asynccontextmanager
async def toy_stack(
    tracing: Tracing | None = None, *, has_diffusion: bool = False, **settings: object
) -> AsyncIterator[Stack]:
    """Start all four services with toy engines; settings go to each. Diffusion is there for those who ask for it."""
    segmenter, analyser, generator, diffusion = ToySegmenter(), ToyAnalyser(), ToyGenerator(), ToyDiffusion()
    generators = (generator, diffusion) if has_diffusion else (generator,)
    defaults: dict[str, object] = {"port": 0, "admin_port": 0, "drain_s": 1.0, "reflection": True}
    plain = ServerSettings(**(defaults | settings))  # type: ignore[arg-type]
    async with contextlib.AsyncExitStack() as stack:
        servers = {
            "segmentation": await stack.enter_async_context(
                running(plain, lambda kit: segmentation_service(kit, segmenter), tracing)
            ),
            "features": await stack.enter_async_context(
                running(plain, lambda kit: features_service(kit, analyser), tracing)
            ),
            "generation": await stack.enter_async_context(
                running(plain, lambda kit: generation_service(kit, *generators), tracing)
            ),
        }
        targets = {f"{name}_target": f"127.0.0.1:{server.port}" for name, server in servers.items()}
        orchestration = OrchestratorSettings(**(defaults | targets | settings))  # type: ignore[arg-type]
        servers["orchestrator"] = await stack.enter_async_context(
            running(orchestration, lambda kit: tryon_service(kit, orchestration), tracing)
        )
        channels = {
            name: await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
            for name, server in servers.items()
        }
        yield Stack(segmenter, analyser, generator, diffusion, servers, channels)

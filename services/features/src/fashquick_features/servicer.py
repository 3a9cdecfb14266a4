"""FeaturesService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt

from fashquick.features.v1 import features_pb2 as pb
from fashquick.features.v1 import features_pb2_grpc
from fashquick_common.garment_codec import category_from_proto, passport_to_proto
from fashquick_common.rpc.blobs import Blob, require_part
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import read_mask, read_photo
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import open_upload
from fashquick_features.engine import Analyser


class FeaturesServicer(features_pb2_grpc.FeaturesServiceServicer):
    """Answers ExtractFeatures."""

    def __init__(self, kit: Kit, analyser: Analyser) -> None:
        """Make it for one server."""
        self._kit = kit
        self._analyser = analyser

    async def ExtractFeatures(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.ExtractFeaturesRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ExtractFeaturesResponse:
        """Describe one garment."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            blobs = await upload.blobs()
            await upload.end()
            flag = self._kit.flag_for(context)
            photo, alpha = await self._kit.decode(blobs.values(), lambda: self._read(header, blobs))
            blobs.clear()
            hint = category_from_proto(header.category_hint)
            passport, seconds = await self._kit.computed(
                lambda: self._analyser.analyse(photo, alpha, hint, flag), flag, upload.priority
            )
            return pb.ExtractFeaturesResponse(
                passport=passport_to_proto(passport),
                backend=self._analyser.name,
                backend_digest=self._analyser.digest,
                compute_seconds=seconds,
                version=service_version("features"),
            )

    def _read(
        self, header: pb.ExtractFeaturesHeader, blobs: dict[str, Blob]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        limits = self._kit.settings.image_limits
        photo = read_photo(require_part(blobs, header.photo_part, "photo_part"), limits)
        alpha = read_mask(require_part(blobs, header.alpha_part, "alpha_part"), photo, limits)
        return photo.rgb, alpha


def features_service(kit: Kit, analyser: Analyser) -> Service:
    """Describe the service to the runtime."""
    servicer = FeaturesServicer(kit, analyser)
    return Service(
        name="features",
        full_name=pb.DESCRIPTOR.services_by_name["FeaturesService"].full_name,
        register=lambda server: features_pb2_grpc.add_FeaturesServiceServicer_to_server(servicer, server),
        backends=(BackendInfo(analyser.name, analyser.digest),),
        warm_up=analyser.warm_up,
    )

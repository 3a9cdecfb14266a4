"""FeaturesService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import numpy as np
import numpy.typing as npt

from fashquick.features.v1 import features_pb2 as pb
from fashquick.features.v1 import features_pb2_grpc
from fashquick_common.garment_codec import (
    category_from_proto,
    fidelity_to_proto,
    known_length_from_proto,
    passport_from_proto,
    passport_to_proto,
)
from fashquick_common.image import ImageLimits
from fashquick_common.rpc.blobs import Blob, require_part
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import read_mask, read_photo, read_uv
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import open_upload
from fashquick_features.engine import Analyser, FidelityTask, ReadText, Wishes

_READ_TEXT: Final = {
    pb.READ_TEXT_WHERE_INSTALLED: ReadText.WHERE_INSTALLED,
    pb.READ_TEXT_NEVER: ReadText.NEVER,
    pb.READ_TEXT_REQUIRED: ReadText.REQUIRED,
}


class FeaturesServicer(features_pb2_grpc.FeaturesServiceServicer):
    """Answers ExtractFeatures and ScoreFidelity."""

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
            limits = self._kit.settings.image_limits
            photo, alpha = await self._kit.decode(blobs.values(), lambda: _read_garment(header, blobs, limits))
            blobs.clear()
            wishes = Wishes(
                category_from_proto(header.category_hint),
                known_length_from_proto(header.known_length) if header.HasField("known_length") else None,
                _read_text(header.read_text),
            )
            passport, seconds = await self._kit.computed(
                lambda: self._analyser.analyse(photo, alpha, wishes, flag), flag, upload.priority
            )
            return pb.ExtractFeaturesResponse(
                passport=passport_to_proto(passport),
                backend=self._analyser.name,
                backend_digest=self._analyser.digest,
                compute_seconds=seconds,
                version=service_version("features"),
            )

    async def ScoreFidelity(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.ScoreFidelityRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ScoreFidelityResponse:
        """Say whether a garment survived in a picture."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            blobs = await upload.blobs()
            await upload.end()
            flag = self._kit.flag_for(context)
            limits = self._kit.settings.image_limits
            task = await self._kit.decode(blobs.values(), lambda: _read_task(header, blobs, limits))
            blobs.clear()
            read_text = _read_text(header.read_text)
            report, seconds = await self._kit.computed(
                lambda: self._analyser.score(task, read_text, flag), flag, upload.priority
            )
            return pb.ScoreFidelityResponse(
                report=fidelity_to_proto(report),
                backend=self._analyser.name,
                backend_digest=self._analyser.digest,
                compute_seconds=seconds,
                version=service_version("features"),
            )


def _read_text(value: pb.ReadText.ValueType) -> ReadText:
    return _READ_TEXT.get(value, ReadText.WHERE_INSTALLED)


def _read_garment(
    header: pb.ExtractFeaturesHeader | pb.ScoreFidelityHeader, blobs: dict[str, Blob], limits: ImageLimits
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    photo = read_photo(require_part(blobs, header.photo_part, "photo_part"), limits)
    alpha = read_mask(require_part(blobs, header.alpha_part, "alpha_part"), photo, limits)
    return photo.rgb, alpha


def _read_task(header: pb.ScoreFidelityHeader, blobs: dict[str, Blob], limits: ImageLimits) -> FidelityTask:
    photo, alpha = _read_garment(header, blobs, limits)
    picture = read_photo(require_part(blobs, header.picture_part, "picture_part"), limits)
    region = read_mask(require_part(blobs, header.region_part, "region_part"), picture, limits)
    uv = read_uv(require_part(blobs, header.uv_part, "uv_part"), picture, limits) if header.uv_part else None
    prior = read_photo(require_part(blobs, header.prior_part, "prior_part"), limits).rgb if header.prior_part else None
    passport = passport_from_proto(header.passport) if header.HasField("passport") else None
    return FidelityTask(photo, alpha, picture.rgb, region, uv, prior, passport)


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

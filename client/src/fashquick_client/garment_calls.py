"""The calls of the features service: a garment's passport, and whether the garment survived in a picture."""

from __future__ import annotations

import asyncio

from fashquick.features.v1 import features_pb2, features_pb2_grpc
from fashquick_client import garment_request as request
from fashquick_client.answers import fidelity_of, passport_of
from fashquick_client.calls import DEFAULT_TIMEOUT_S, SingleCall, answered, messages_of, metadata_of
from fashquick_client.connections import Connections
from fashquick_client.options import ReadTextName
from fashquick_client.photos import PhotoSource
from fashquick_client.pixels import PixelMap
from fashquick_client.results import FidelityResult
from fashquick_client.services import Service
from fashquick_common.garment import Category, KnownLength, Passport
from fashquick_common.rpc.request_id import check_request_id


class GarmentCalls(Connections):
    """What a client asks of the features service."""

    async def extract_features(
        self,
        photo: PhotoSource,
        alpha: PixelMap | PhotoSource,
        *,
        category: Category | str | None = None,
        known_length: KnownLength | None = None,
        read_text: ReadTextName = "auto",
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Passport:
        """Describe a garment.

        Args:
            photo: Photo of the garment.
            alpha: The garment's soft mask: `Segmentation.alpha`, or an image file of the photo's size.
            category: Kind of garment if it is known; it is then not guessed.
            known_length: One length of the garment: its measurements then come in centimetres too.
            read_text: Whether prints are read: "auto" where the server has a reader, "never", or "required".
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(
            request.features_request,
            photo,
            alpha,
            job,
            category=category,
            known_length=known_length,
            read_text=read_text,
        )
        header.priority = self._priority
        address = self._address(Service.FEATURES)
        stub = features_pb2_grpc.FeaturesServiceStub(self._channel(address))

        def call(seconds: float) -> SingleCall[features_pb2.ExtractFeaturesResponse]:
            messages = messages_of(request.features_messages(header, blobs))
            return stub.ExtractFeatures(messages, timeout=seconds, metadata=metadata_of(job))

        response = await answered(call, address, timeout_s)
        return passport_of(response.passport)

    async def score_fidelity(
        self,
        photo: PhotoSource,
        alpha: PixelMap | PhotoSource,
        picture: PhotoSource,
        region: PixelMap | PhotoSource,
        *,
        uv: PixelMap | None = None,
        prior: PhotoSource | None = None,
        passport: Passport | None = None,
        read_text: ReadTextName = "auto",
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> FidelityResult:
        """Say in numbers whether a garment survived in a picture.

        Args:
            photo: Photo of the garment.
            alpha: The garment's soft mask in it: `Segmentation.alpha`, or an image file of the photo's size.
            picture: The finished picture.
            region: Soft mask of where the garment is in the picture, an image file of its size or a `PixelMap`.
            uv: Where in the photo each pixel of the picture comes from (see `PixelMap.of_uv`); without it, which pixels
                were carried over is not measured.
            prior: The picture before the garment's region was changed; without it, changes outside are not measured.
            passport: The garment's passport for this photo; without one it is made again.
            read_text: Whether prints are read: "auto" where the server has a reader, "never", or "required".
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(
            request.fidelity_request,
            photo,
            alpha,
            picture,
            region,
            job,
            uv=uv,
            prior=prior,
            passport=passport,
            read_text=read_text,
        )
        header.priority = self._priority
        address = self._address(Service.FEATURES)
        stub = features_pb2_grpc.FeaturesServiceStub(self._channel(address))

        def call(seconds: float) -> SingleCall[features_pb2.ScoreFidelityResponse]:
            messages = messages_of(request.fidelity_messages(header, blobs))
            return stub.ScoreFidelity(messages, timeout=seconds, metadata=metadata_of(job))

        return fidelity_of(await answered(call, address, timeout_s))

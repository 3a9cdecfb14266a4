from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fashquick_common.image import encode
from fashquick_common.rpc.blobs import Blob, make_blob
from fashquick_common.server.pictures import gray8_blob, rgb8_blob
from tests.support.calls import Rpc
from tests.support.photos import plain_photo
from tests.support.servers import Stack, toy_stack


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    """Four servers with toy engines and short patience."""
    async with toy_stack(
        upload_idle_s=1.0, write_idle_s=1.0, stage_patience_s=0.5, byte_budget=4 * 1024 * 1024
    ) as running:
        yield running


@pytest.fixture
def good_blobs() -> dict[str, Blob]:
    photo = plain_photo()
    alpha = (photo.min(axis=2) < 128).astype("uint8") * 255
    return {
        "photo": rgb8_blob("photo", photo),
        "alpha": gray8_blob("alpha", alpha),
        "file": make_blob("photo", encode(photo)),
    }


def parts_for(rpc: Rpc, blobs: dict[str, Blob]) -> list[Blob]:
    return [blobs[part] for part in rpc.parts]

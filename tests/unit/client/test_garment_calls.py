"""The calls of the features service, against a real server with canned answers."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from fashquick.features.v1 import features_pb2
from fashquick.garment.v1 import geometry_pb2
from fashquick_client import FidelityResult, PixelEncoding, PixelMap
from fashquick_common.encodings import decode_uv16
from fashquick_common.errors import BadField, Draining, InternalError
from fashquick_common.garment import KnownLength, MeasurementName
from fashquick_common.garment_codec import passport_from_proto, passport_to_proto
from fashquick_common.rpc.request_id import REQUEST_ID_KEY
from tests.support.garments import SHIRT_PASSPORT, STRIPED_REPORT

ALPHA = zlib.compress(bytes([255, 255, 255, 128, 0, 0, 0, 0]) * 6)


async def test_wishes_for_features_reach_the_server(client, server, photo):
    length = KnownLength(MeasurementName.CHEST, 52.5)
    await client.extract_features(photo, photo, known_length=length, read_text="required")
    (header,) = server.headers
    assert (header.known_length.name, header.known_length.centimetres) == (geometry_pb2.MEASUREMENT_NAME_CHEST, 52.5)
    assert header.read_text == features_pb2.READ_TEXT_REQUIRED
    with pytest.raises(BadField, match="500"):
        await client.extract_features(photo, photo, known_length=replace(length, centimetres=500.0))
    with pytest.raises(BadField, match="auto, never, required"):
        await client.extract_features(photo, photo, read_text="perhaps")


async def test_all_that_a_passport_tells(client, server, photo):
    server.passport = passport_to_proto(SHIRT_PASSPORT)
    assert await client.extract_features(photo, photo) == SHIRT_PASSPORT


async def test_a_fidelity_report(client, server, photo):
    region = PixelMap(PixelEncoding.GRAY8, 8, 6, ALPHA)
    uv = np.full((6, 8, 2), np.nan, np.float32)
    uv[2, 3] = 0.25, 0.75
    result = await client.score_fidelity(
        photo, photo, b"picture", region, uv=PixelMap.of_uv(uv), prior=b"prior", passport=SHIRT_PASSPORT
    )
    assert result == FidelityResult(STRIPED_REPORT, "classic", "ab" * 32, 0.25, "0.1.0")
    (header,), (upload,) = server.headers, server.uploads
    assert list(upload) == ["photo", "alpha", "picture", "region", "uv", "prior"]
    assert (upload["picture"], upload["region"], upload["prior"]) == (b"picture", ALPHA, b"prior")
    assert passport_from_proto(header.passport) == SHIRT_PASSPORT
    assert header.read_text == features_pb2.READ_TEXT_WHERE_INSTALLED
    assert header.request_id == server.metadata[0][REQUEST_ID_KEY]
    read = decode_uv16(upload["uv"], 8, 6)
    assert np.isnan(read).sum() == 2 * (6 * 8 - 1)
    assert read[2, 3].tolist() == pytest.approx([0.25, 0.75], abs=1e-5)


async def test_a_fidelity_report_needs_no_more_than_the_pictures(client, server, photo):
    server.failures = [Draining("going", retry_after_s=0.0)]
    await client.score_fidelity(photo, photo, photo, photo)
    assert len(server.headers) == 2
    header = server.headers[1]
    assert (header.uv_part, header.prior_part, header.HasField("passport")) == ("", "", False)
    pixels = PixelMap(PixelEncoding.GRAY8, 8, 6, ALPHA)
    with pytest.raises(BadField, match="must be uv16"):
        await client.score_fidelity(photo, photo, photo, photo, uv=pixels)


async def test_a_report_that_makes_no_sense_is_the_servers_fault(client, server, photo):
    server.report.overall = 7
    with pytest.raises(InternalError, match=r"report\.overall is 7"):
        await client.score_fidelity(photo, photo, photo, photo)
    server.passport.coverage = 7
    with pytest.raises(InternalError, match=r"passport\.coverage is 7"):
        await client.extract_features(photo, photo)


def test_a_uv_map_has_no_pixels():
    uv = PixelMap.of_uv(np.zeros((6, 8, 2), np.float32))
    assert (uv.encoding, uv.width, uv.height) == (PixelEncoding.UV16, 8, 6)
    with pytest.raises(ValueError, match="positions"):
        uv.array()

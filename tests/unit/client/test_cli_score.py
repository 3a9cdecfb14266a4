"""`fashquick score`, against a real server with canned answers."""

import json

import numpy as np
import pytest

from fashquick.common.v1 import blob_pb2
from fashquick.features.v1 import features_pb2
from fashquick.garment.v1 import fidelity_pb2
from fashquick_common.encodings import decode_uv16
from fashquick_common.errors import BadMask, InternalError
from tests.support.command import fashquick, picture_file


@pytest.fixture
def files(tmp_path):
    """A picture, a garment's photo, the region in the picture, a mask of the photo, the picture before."""
    named = {name: tmp_path / f"{name}.png" for name in ("picture", "photo", "region", "mask", "prior")}
    for path in named.values():
        path.write_bytes(picture_file() + path.name.encode())
    return named


def run(server, files, *args):
    endpoints = ("--endpoint", server.endpoint, "--segmentation-endpoint", server.endpoint)
    return fashquick(
        "score", files["picture"], "--photo", files["photo"], "--region", files["region"], *args, *endpoints
    )


def words_of(result):
    return " ".join(result.stdout.split())


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no cell of the table is broken."""
    monkeypatch.setenv("COLUMNS", "240")


def test_the_report_in_plain_words(server, files):
    result = run(server, files)
    assert result.exit_code == 0, result.output
    printed = words_of(result)
    for words in (
        "CLOSE 0.78 of 1: a buyer who looks for it sees a difference",
        "Colours close 3.5 CIEDE2000",
        "tells it from another colour and a blank garment",
        "Pattern kept 94%",
        "tells it from another pattern",
        "Texture left out 0.50",
        "does not tell it from a blurred print; not counted: it does not tell the garment from a blurred print",
        "not counted: nothing is printed on the garment",
        "Original pixels kept 88%",
        "Outside the garment kept 0 of 255",
        "Edge lost 4.5 CIEDE2000",
    ):
        assert words in printed


def test_all_that_is_named_reaches_the_server(server, files, tmp_path):
    uv = np.zeros((4, 6, 2), np.float32)
    uv[1, 2] = np.nan
    uv[3, 5] = 1
    np.save(tmp_path / "uv.npy", uv)
    extra = ("--mask", files["mask"], "--prior", files["prior"], "--uv", tmp_path / "uv.npy", "--text", "required")
    result = run(server, files, *extra)
    assert result.exit_code == 0, result.output
    (header,), (upload,) = server.headers, server.uploads  # The mask is there: nothing is segmented.
    assert list(upload) == ["photo", "alpha", "picture", "region", "uv", "prior"]
    for part, name in [("alpha", "mask"), *((each, each) for each in ("photo", "picture", "region", "prior"))]:
        assert upload[part] == files[name].read_bytes()
    assert (header.uv_part, header.prior_part, header.region_part) == ("uv", "prior", "region")
    assert header.read_text == features_pb2.READ_TEXT_REQUIRED
    announced = header.blobs[4]
    assert (announced.encoding, announced.width, announced.height) == (blob_pb2.ENCODING_UV16, 6, 4)
    assert np.array_equal(decode_uv16(upload["uv"], 6, 4), uv, equal_nan=True)


def test_without_a_mask_the_garment_is_found(server, files):
    run(server, files)
    assert list(server.uploads[1]) == ["photo", "alpha", "picture", "region"]
    assert (server.headers[1].uv_part, server.headers[1].prior_part) == ("", "")


def test_json_for_programs(server, files):
    result = run(server, files, "--json")
    found = json.loads(result.stdout)
    assert found["picture"] == str(files["picture"])
    assert (found["backend"], found["backend_digest"], found["compute_seconds"]) == ("classic", "ab" * 32, 0.25)
    report = found["report"]
    assert (report["grade"], report["overall"]) == ("FIDELITY_GRADE_CLOSE", 0.78125)
    assert report["measurements"][0]["controls"][0] == {
        "control": "FIDELITY_CONTROL_RECOLOUR",
        "value": 28.5,
        "score": 0.0,
        "caught": True,
    }


def test_nothing_could_be_measured(server, files):
    server.report = fidelity_pb2.FidelityReport()
    result = run(server, files)
    assert result.stdout == "Nothing could be measured\n"
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("error", "code"), [(BadMask("the region is empty", field="region"), 4), (InternalError("a bug"), 1)]
)
def test_failures_have_their_exit_code_and_one_line(server, files, error, code):
    server.failures = [None, error, error]
    result = run(server, files)
    assert result.exit_code == code
    assert result.stderr == f"fashquick: {error.message}\n"


def _array(array):
    return lambda path: np.save(path, array)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_bytes(b"nonsense"), "is no UV map"),
        (lambda path: path.write_bytes(b""), "is no UV map"),
        (_array(np.zeros((4, 6), np.float32)), "HxWx2"),
        (_array(np.zeros((4, 6, 2), np.int32)), "no floats"),
        (_array(np.full((4, 6, 2), 2, np.float32)), "expected u and v of 0 to 1"),
        (_array(np.array([{"a": "pickle"}], object)), "is no UV map"),
    ],
)
def test_a_uv_map_that_is_none_is_found_before_any_work(server, files, tmp_path, write, words):
    write(tmp_path / "uv.npy")
    result = run(server, files, "--uv", tmp_path / "uv.npy")
    assert result.exit_code == 2
    assert words in result.stderr
    assert server.headers == []


@pytest.mark.parametrize("name", ["picture", "photo", "region"])
def test_files_are_read_before_any_work(server, files, name):
    files[name].unlink()
    result = run(server, files)
    assert result.exit_code == 2
    assert result.stderr == f"fashquick: there is no file {files[name]}\n"
    assert server.headers == []

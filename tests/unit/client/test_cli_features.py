"""`fashquick features`, against a real server with canned answers."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from fashquick.features.v1 import features_pb2
from fashquick_common.errors import BadField, InternalError, NoGarment, QueueFull
from fashquick_common.garment_codec import passport_to_proto
from tests.support.command import PHOTO_SIZE, fashquick
from tests.support.garments import SHIRT_PASSPORT


@pytest.fixture
def shirt(server):
    """The server tells everything that can be told of a garment."""
    server.passport = passport_to_proto(SHIRT_PASSPORT)


def run(server, *args):
    endpoints = ("--endpoint", server.endpoint, "--segmentation-endpoint", server.endpoint)
    return fashquick("features", *args, *endpoints)


def words_of(result):
    """What was printed, without the breaks of its lines."""
    return " ".join(result.stdout.split())


def test_a_merchandiser_can_read_it(server, shirts, shirt):
    result = run(server, shirts[0], shirts[1])
    assert result.exit_code == 0, result.output
    printed = words_of(result)
    for words in (
        "one.jpg",
        "two.jpg",
        "Garment t-shirt 88%, or sleeveless top 6%",
        "red 62% ██ #c81e28 ██ #ce2034 corrected the cloth",
        "navy 12% ██ #1e223c not corrected trim",
        "Light slightly yellow (a* +1.5, b* +6.0), 0.5 stops too dark; told by the ground around the garment",
        "Pattern stripes 91%, or check 6%",
        "horizontal stripes, 24 a garment length, one every 3.0 cm, dark part 38%, very regular",
        "Texture knit 69%, or smooth 25%",
        "medium structure, clear vertical lines, low contrast, matt",
        "Sleeves short 94%",
        "Legs does not apply",
        "Neckline crew 81%",
        "Front cannot tell",
        "chest 45.0 cm 88% sure",
        "says “NEW YORK / CITY 1898”",
        "31% of the photo, 15 points found, turned 2° counter-clockwise, 97% symmetric",
    ):
        assert words in printed


def test_what_a_server_does_not_tell_is_said_to_be_so(server, shirts):
    printed = words_of(run(server, shirts[0]))
    for words in ("t-shirt 75%, or dress 25%", "white 25%", "Light cannot tell", "Pattern not told by this server"):
        assert words in printed
    assert "1 point found" in printed
    assert "corrected" not in printed


def test_what_is_printed_on_a_garment_cannot_steer_the_terminal(server, shirts, shirt):
    server.passport.prints[0].lines[0].text = "\x1b[2JGONE\nNEXT"
    server.passport.palette.colours[0].name = "re\x1bd"
    result = run(server, shirts[0])
    assert "\x1b" not in result.stdout
    assert "[2JGONE NEXT" in words_of(result)


def test_json_for_programs(server, shirts, shirt):
    server.failures = [None, None, NoGarment("there is no garment")]
    missing = shirts[0].with_name("none.jpg")
    result = run(server, shirts[0], shirts[1], missing, shirts[2], "--json")
    report = json.loads(result.stdout)
    assert [entry["file"] for entry in report] == [str(each) for each in (shirts[0], shirts[1], missing, shirts[2])]
    assert [entry["ok"] for entry in report] == [True, False, False, True]
    assert report[0].keys() == {"file", "ok", "passport"}
    passport = report[0]["passport"]
    assert passport["categories"][0] == {"category": "CATEGORY_T_SHIRT", "confidence": 0.875}
    assert passport["palette"]["colours"][0]["name"] == "red"
    assert passport["palette"]["colours"][0]["corrected"]["srgb"] == 0xCE2034
    assert passport["pattern"]["repeats"][0]["duty"] == 0.375
    assert passport["geometry"]["measurements"][1] == {
        "name": "MEASUREMENT_NAME_CHEST",
        "ratio": 0.625,
        "centimetres": 45.0,
        "confidence": 0.875,
    }
    assert passport["prints"][0]["lines"][0]["text"] == "NEW YORK"
    assert len(passport["vector"]["values"]) == 4
    assert report[1] == {
        "file": str(shirts[1]),
        "ok": False,
        "error": {"status": "FAILED_PRECONDITION", "reason": "NO_GARMENT", "message": "there is no garment"},
    }
    assert report[2]["error"] == {
        "status": "NOT_FOUND",
        "reason": "NOT_FOUND",
        "message": f"there is no file {missing}",
    }
    assert result.exit_code == 2


def test_the_alpha_goes_from_one_service_to_the_other(server, shirts):
    run(server, shirts[0])
    assert list(server.uploads[1]) == ["photo", "alpha"]
    assert server.headers[1].read_text == features_pb2.READ_TEXT_WHERE_INSTALLED
    assert not server.headers[1].HasField("known_length")


def test_wishes_reach_the_server(server, shirts):
    result = run(server, shirts[0], "--length", "chest=52.5", "--category", "dress", "--text", "never")
    assert result.exit_code == 0, result.output
    header = server.headers[1]
    assert (header.known_length.name, header.known_length.centimetres) == (3, 52.5)
    assert header.category_hint == 8
    assert header.read_text == features_pb2.READ_TEXT_NEVER


def test_ones_own_mask_needs_no_segmentation(server, shirts, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", PHOTO_SIZE, 0).save(mask)
    result = fashquick("features", shirts[0], "--mask", mask, "--endpoint", server.endpoint)
    assert result.exit_code == 0, result.output
    (upload,) = server.uploads
    assert upload["alpha"] == mask.read_bytes()


def test_masks_of_several_photos_are_found_in_their_folder(server, shirts, out):
    for name in ("one", "two"):
        Image.new("L", PHOTO_SIZE, len(name)).save(out / f"{name}.mask.png")
    result = fashquick("features", *shirts, "--mask", out, "--endpoint", server.endpoint)
    assert result.exit_code == 2
    assert f"three.jpg: there is no file {out / 'three.mask.png'}" in result.stderr
    assert [upload["alpha"] for upload in server.uploads] == [
        (out / f"{name}.mask.png").read_bytes() for name in ("one", "two")
    ]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--length", "52"], "chest=52"),
        (["--length", "arm=52"], "leg-opening"),
        (["--length", "chest=wide"], "chest=52"),
        (["--length", "chest=nan"], "between 1 and 400"),
        (["--length", "chest=401"], "between 1 and 400"),
        (["--category", "hat"], "hat"),
        (["--text", "perhaps"], "perhaps"),
    ],
)
def test_wrong_options_are_usage_errors(server, shirts, args, words):
    result = run(server, shirts[0], *args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert server.headers == []


class TestSheet:
    def test_one_photo_one_sheet(self, server, shirts, shirt, out):
        target = out / "sheet.png"
        result = run(server, shirts[0], "--sheet", target)
        assert result.exit_code == 0, result.output
        assert f"Wrote {target}" in result.stdout
        sheet = Image.open(target)
        assert sheet.size == (1680, 1050)
        pixels = np.asarray(sheet)
        # The photo, and the swatches of a colour as photographed and in neutral light.
        for colour in ((200, 0, 0), (200, 30, 40), (206, 32, 52)):
            assert (np.abs(pixels.astype(int) - colour).max(axis=2) <= 3).sum() > 500

    def test_several_photos_go_into_a_folder(self, server, shirts, shirt, out):
        server.failures = [None, None, NoGarment("there is no garment")]
        result = run(server, *shirts, "--sheet", out, "--json")
        assert sorted(path.name for path in out.iterdir()) == ["one.sheet.png", "three.sheet.png"]
        report = json.loads(result.stdout)
        assert report[0]["sheet"] == str(out / "one.sheet.png")
        assert "sheet" not in report[1]

    def test_ones_own_mask_is_drawn(self, server, shirts, shirt, tmp_path, out):
        mask = tmp_path / "mask.png"
        Image.new("L", PHOTO_SIZE, 0).save(mask)
        painted = Image.open(mask)
        painted.paste(255, (20, 20, 60, 100))
        painted.save(mask)
        result = fashquick(
            "features", shirts[0], "--mask", mask, "--sheet", out / "s.png", "--endpoint", server.endpoint
        )
        assert result.exit_code == 0, result.output
        assert Image.open(out / "s.png").size == (1680, 1050)

    def test_names_are_checked_before_any_work(self, server, shirts, tmp_path, out):
        twin = tmp_path / "out" / "one.png"
        twin.write_bytes(b"x")
        for args, words in [
            ((shirts[0], "--sheet", tmp_path / "sheet.jpg"), "must end in .png"),
            ((shirts[0], "--sheet", tmp_path / "none" / "sheet.png"), "does not exist"),
            ((*shirts, "--sheet", tmp_path / "sheet.png"), "does not exist"),
            ((shirts[0], twin, "--sheet", out), "would both be drawn"),
            ((twin, "--sheet", twin), "would be overwritten"),
            ((*shirts, "--mask", twin), "a mask belongs to one photo"),
        ]:
            result = run(server, *args)
            assert result.exit_code == 2
            assert words in result.stderr
        assert server.headers == []

    def test_a_sheet_that_cannot_be_written(self, server, shirts, shirt, out):
        (out / "one.sheet.png").mkdir()
        result = run(server, *shirts[:2], "--sheet", out)
        assert result.exit_code == 1
        assert "cannot be written" in result.stderr
        assert sorted(path.name for path in out.iterdir()) == ["one.sheet.png", "two.sheet.png"]

    def test_without_the_extra_it_says_what_to_install(self, server, shirts, out, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        result = run(server, shirts[0], "--sheet", out)
        assert result.exit_code == 3
        assert "fashquick-client[images]" in result.stderr
        assert server.headers == []


def test_all_failed(server, tmp_path):
    (tmp_path / "empty.jpg").touch()
    result = run(server, tmp_path / "empty.jpg", tmp_path, "--json")
    assert [entry["error"]["reason"] for entry in json.loads(result.stdout)] == ["NOT_AN_IMAGE", "BAD_FIELD"]
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([NoGarment("x"), QueueFull("x", retry_after_s=1000), *[InternalError("x")] * 2], 3),
        ([NoGarment("x"), *[InternalError("x")] * 2, BadField("x")], 1),
        ([NoGarment("x"), BadField("x"), NoGarment("x")], 2),
        ([NoGarment("x"), NoGarment("x"), NoGarment("x")], 4),
    ],
)
def test_the_gravest_failure_is_the_exit_code(server, shirts, failures, code):
    server.failures = failures
    assert run(server, *shirts).exit_code == code


def test_a_name_that_is_not_unicode(server, tmp_path):
    path = tmp_path / os.fsdecode(b"sh\xffirt.jpg")
    path.write_bytes(b"photo")
    result = run(server, path, "--json")
    assert json.loads(result.stdout)[0]["ok"], result.stderr

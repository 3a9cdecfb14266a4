"""`fashquick segment`, against a real server with canned answers."""

import json

import numpy as np
import pytest
from PIL import Image

from fashquick.segmentation.v1 import segmentation_pb2
from fashquick_common.errors import BadField, NoGarment
from tests.support.command import LEFT, PHOTO_SIZE, RIGHT, fashquick, picture_file


def test_writes_mask_and_cutout_at_the_photos_size(server, shirts, out):
    result = fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint)
    assert result.exit_code == 0, result.output
    mask = Image.open(out / "one.mask.png")
    cutout = Image.open(out / "one.cutout.png")
    assert (mask.mode, mask.size) == ("L", PHOTO_SIZE)
    assert (cutout.mode, cutout.size) == ("RGBA", PHOTO_SIZE)
    pixels = np.asarray(mask)
    assert set(np.unique(pixels)) == {0, 255}
    assert (pixels[:, :75] == 255).all()
    assert (pixels[:, 85:] == 0).all()
    rgba = np.asarray(cutout)
    assert (rgba[rgba[..., 3] == 0] == 0).all()
    assert rgba[30, 10].tolist() == pytest.approx([200, 0, 0, 255], abs=6)


def test_a_photo_on_its_side_gets_an_upright_mask(server, tmp_path, out):
    path = tmp_path / "side.jpg"
    path.write_bytes(picture_file(orientation=6))
    assert fashquick("segment", path, "-o", out, "--endpoint", server.endpoint).exit_code == 0
    assert Image.open(out / "side.mask.png").size == PHOTO_SIZE[::-1]
    assert Image.open(out / "side.cutout.png").size == PHOTO_SIZE[::-1]


def test_one_bad_photo_does_not_stop_the_others(server, shirts, out):
    server.failures = [None, NoGarment("there is no garment"), None]
    result = fashquick("segment", *shirts, "-o", out, "--endpoint", server.endpoint)
    assert result.exit_code == 4
    assert f"{shirts[1]}: there is no garment" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "one.cutout.png",
        "one.mask.png",
        "three.cutout.png",
        "three.mask.png",
    ]


def test_colliding_stems_are_found_before_any_work(server, shirts, tmp_path, out):
    other = tmp_path / "one.png"
    other.write_bytes(b"x")
    result = fashquick("segment", shirts[0], other, "-o", out, "--endpoint", server.endpoint)
    assert result.exit_code == 2
    assert str(other) in result.stderr
    assert server.headers == []
    assert list(out.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(server, shirts, out, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    result = fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint)
    assert result.exit_code == 3
    assert "fashquick-client[images]" in result.stderr
    assert server.headers == []


def test_a_photo_is_never_overwritten(server, tmp_path):
    photo = tmp_path / "shirt.jpg"
    mask = tmp_path / "shirt.mask.png"
    for path in (photo, mask):
        path.write_bytes(picture_file())
    result = fashquick("segment", photo, mask, "-o", tmp_path, "--endpoint", server.endpoint)
    assert result.exit_code == 2
    assert mask.read_bytes() == picture_file()


def test_folders_that_cannot_take_results(server, shirts, tmp_path):
    missing = fashquick("segment", shirts[0], "-o", tmp_path / "none", "--endpoint", server.endpoint)
    assert (missing.exit_code, "does not exist" in missing.stderr) == (2, True)
    a_file = fashquick("segment", shirts[0], "-o", shirts[1], "--endpoint", server.endpoint)
    assert (a_file.exit_code, "is not a folder" in a_file.stderr) == (2, True)


def test_a_result_that_cannot_be_written_leaves_nothing_behind(server, shirts, out):
    (out / "one.mask.png").mkdir()
    result = fashquick("segment", *shirts[:2], "-o", out, "--endpoint", server.endpoint)
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["one.mask.png", "two.cutout.png", "two.mask.png"]


def test_no_ground_is_left_along_the_soft_edge_of_a_cutout(server, shirts, out):
    fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint)
    assert server.headers[0].foreground
    rgba = np.asarray(Image.open(out / "one.cutout.png")).astype(int)
    seen = rgba[rgba[..., 3] > 0]
    assert len(np.unique(seen[:, 3])) > 10
    # The photo is blue from its middle on, where the edge still is; the cut-out is red up to its last pixel.
    assert np.abs(seen[:, :3] - LEFT).max() < 60
    assert (rgba[rgba[..., 3] == 0] == 0).all()


def test_a_server_without_foreground_gives_a_cutout_of_the_photos_pixels(server, shirts, out):
    server.has_foreground = False
    assert fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint).exit_code == 0
    rgba = np.asarray(Image.open(out / "one.cutout.png")).astype(int)
    assert np.abs(rgba[60, 83] - (*RIGHT, rgba[60, 83, 3])).max() < 30
    assert rgba[60, 83, 3] > 0


def test_wishes_reach_the_server(server, shirts, out):
    wishes = ("--backend", "sam2", "--checkpoint", "small", "--matting", "quality", "--presentation", "hanger")
    result = fashquick("segment", *shirts, "-o", out, *wishes, "--endpoint", server.endpoint)
    assert result.exit_code == 0, result.output
    assert len(server.headers) == 3
    for header in server.headers:
        assert header.backend == segmentation_pb2.BACKEND_SAM2
        assert header.sam2.checkpoint == "small"
        assert header.matting == segmentation_pb2.MATTING_QUALITY
        assert header.presentation == segmentation_pb2.PRESENTATION_HANGER


def test_points_and_a_box_reach_the_server(server, shirts, out):
    prompts = ("--on", "30,40.5", "--on", "50,60", "--off", "150,10", "--box", "10,20,90,110")
    result = fashquick("segment", shirts[0], "-o", out, *prompts, "--endpoint", server.endpoint)
    assert result.exit_code == 0, result.output
    [prompt] = server.prompts
    assert [(point.x, point.y, point.on_garment) for point in prompt.points] == [
        (30, 40.5, True),
        (50, 60, True),
        (150, 10, False),
    ]
    box = prompt.box
    assert (box.left, box.top, box.right, box.bottom) == (10, 20, 90, 110)
    assert (out / "one.cutout.png").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--on", "30"], "--on"),
        (["--on", "30,x"], "300,420"),
        (["--off", "30,nan"], "--off"),
        (["--off", "1,2,3"], "--off"),
        (["--box", "1,2,3"], "60,80,450,560"),
        (["--candidates", "17"], "--candidates"),
        (["--backend", "magic"], "magic"),
        (["--matting", "rough"], "rough"),
        (["--presentation", "folded"], "folded"),
        (["--backend", "embedded", "--checkpoint", "tiny"], "checkpoint"),
    ],
)
def test_wrong_options_are_usage_errors(server, shirts, out, args, words):
    result = fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint, *args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert server.headers == []


@pytest.mark.parametrize("args", [["--on", "3,4"], ["--off", "3,4"], ["--box", "1,2,3,4"]])
def test_prompts_for_several_photos_are_a_usage_error(server, shirts, out, args):
    result = fashquick("segment", *shirts[:2], "-o", out, "--endpoint", server.endpoint, *args)
    assert result.exit_code == 2
    assert "one photo" in result.stderr
    assert server.headers == []


def test_a_wrong_point_is_told_in_the_servers_words(server, shirts, out):
    server.prompt_failures = [BadField("points is (5000, 5), outside the photo")]
    result = fashquick("segment", shirts[0], "-o", out, "--on", "5000,5", "--endpoint", server.endpoint)
    assert result.exit_code == 2
    assert "outside the photo" in result.stderr
    assert list(out.iterdir()) == []


def test_candidates_are_written_as_masks_of_the_photos_size(server, shirts, out):
    result = fashquick("segment", shirts[0], "-o", out, "--candidates", "1", "--endpoint", server.endpoint)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "one.candidate-1.mask.png",
        "one.cutout.png",
        "one.mask.png",
    ]
    mask = np.asarray(Image.open(out / "one.candidate-1.mask.png"))
    assert mask.shape == PHOTO_SIZE[::-1]
    assert (mask[:, :75] == 255).all()
    assert str(out / "one.candidate-1.mask.png") in result.stdout


def test_fewer_candidates_than_wanted_are_fine(server, shirts, out):
    assert fashquick("segment", shirts[0], "-o", out, "--candidates", 9, "--endpoint", server.endpoint).exit_code == 0
    assert len(list(out.iterdir())) == 4


def test_another_garment_is_told_of_with_the_way_to_it(server, shirts, out):
    told = fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint).stderr
    assert told.startswith(f"{shirts[0]}: candidate 2 is another garment: ")
    assert "--candidates 2" in told
    assert "--box 80,0,160,120" in told
    written = fashquick("segment", shirts[0], "-o", out, "--candidates", 2, "--endpoint", server.endpoint).stderr
    assert "one.candidate-2.mask.png is its mask" in written
    assert (out / "one.candidate-2.mask.png").exists()


def test_candidates_never_overwrite_a_photo_or_each_other(server, shirts, tmp_path, out):
    other = tmp_path / "one.candidate-1.jpg"
    other.write_bytes(picture_file())
    clash = fashquick("segment", shirts[0], other, "-o", out, "--candidates", 1, "--endpoint", server.endpoint)
    assert clash.exit_code == 2
    assert "one.candidate-1.mask.png" in clash.stderr
    photo = out / "one.candidate-1.mask.png"
    photo.write_bytes(picture_file())
    result = fashquick("segment", shirts[0], photo, "-o", out, "--candidates", 1, "--endpoint", server.endpoint)
    assert (result.exit_code, "overwritten" in result.stderr) == (2, True)
    assert photo.read_bytes() == picture_file()


def test_a_report_has_every_measure_and_every_failure(server, shirts, out, tmp_path):
    server.failures = [None, NoGarment("there is no garment")]
    target = tmp_path / "report.json"
    options = ("--report", target, "--candidates", 1, "--endpoint", server.endpoint)
    assert fashquick("segment", *shirts[:2], "-o", out, *options).exit_code == 4
    first, second = json.loads(target.read_text())
    assert first == {
        "file": str(shirts[0]),
        "ok": True,
        "mask": str(out / "one.mask.png"),
        "cutout": str(out / "one.cutout.png"),
        "quality": {
            "confidence": 0.5,
            "coverage": 0.25,
            "border_contact": 0.0,
            "fragments": 1,
            "warnings": [],
            "symmetry": 0.75,
            "boundary_confidence": 0.625,
            "sharpness": 0.125,
            "lightness": 62.5,
            "clipped": 0.0625,
            "cut_off": ["left", "bottom"],
        },
        "candidates": [
            {
                "mask": str(out / "one.candidate-1.mask.png"),
                "score": 0.5,
                "scores": {
                    "predicted_iou": 0.5,
                    "stability": 0.25,
                    "prior": 0.125,
                    "edges": 0.75,
                    "solidity": 0.625,
                    "border": 1.0,
                },
                "source": "box points 1",
                "other_garment": False,
            }
        ],
        "backend": "embedded",
        "backend_digest": "",
        "compute_seconds": 0.0,
    }
    assert second == {
        "file": str(shirts[1]),
        "ok": False,
        "error": {"status": "FAILED_PRECONDITION", "reason": "NO_GARMENT", "message": "there is no garment"},
    }


def test_a_report_is_checked_before_any_work(server, shirts, out, tmp_path):
    def line(report):
        result = fashquick("segment", shirts[0], "-o", out, "--report", report, "--endpoint", server.endpoint)
        assert result.exit_code == 2
        return result.stderr

    assert "does not exist" in line(tmp_path / "none" / "report.json")
    assert "is a folder" in line(out)
    assert "one of the photos" in line(shirts[0])
    assert "name another file" in line(out / "one.mask.png")
    assert server.headers == []

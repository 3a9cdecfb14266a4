"""The examples: each stage alone answers them, as scripts and as the shell lines of their README."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from PIL import Image

from fashquick.garment.v1 import category_pb2, passport_pb2
from tests.support.processes import ServerProcess, server_process

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
PHOTO_SIZE = (512, 640)
SHARED = pytest.mark.asyncio(loop_scope="session")
"""Of tests of the servers that all share."""


def _shell(heading: str) -> str:
    """The shell lines below a heading of the README."""
    [section] = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def _run(headings: list[str], targets: dict[str, str], out: Path) -> str:
    """Run what the README says with other ports and another folder for results; return what was printed."""
    script = "\n".join(_shell(heading) for heading in ["From a shell", *headings])
    for ours, other in targets.items():
        assert ours in script
        script = script.replace(ours, other)
    script = re.sub(r"\bout\b", str(out), script)
    script = re.sub(r"\.venv(-full)?/bin/", f"{Path(sys.executable).parent}/", script)
    assert "localhost:74" not in script
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _answers(path: Path) -> Iterator[dict[str, object]]:
    """The JSON messages of a file, one after the other."""
    text, decoder = path.read_text(encoding="utf-8").strip(), json.JSONDecoder()
    while text:
        answer, end = decoder.raw_decode(text)
        yield answer
        text = text[end:].lstrip()


async def test_segmentation_alone_answers_its_example(tmp_path: Path) -> None:
    async with server_process("segmentation", tmp_path, {"FASHQUICK_REFLECTION": "true"}) as server:
        printed = _run(["Any server", "Segmentation"], {"localhost:7401": server.target}, tmp_path)

    assert "fashquick.segmentation.v1.SegmentationService" in printed
    assert '"status": "SERVING"' in printed
    assert '"service": "segmentation"' in printed
    mask, alpha = Image.open(tmp_path / "mask.pbm"), Image.open(tmp_path / "alpha.pgm")
    assert mask.size == alpha.size == PHOTO_SIZE
    # Garment is 1, which PBM calls black.
    black = mask.convert("L").histogram()[0] / (mask.width * mask.height)
    assert 0.3 < black < 0.6
    assert sum(alpha.histogram()[128:]) / (mask.width * mask.height) == pytest.approx(black, abs=0.01)
    kinds = [next(iter(answer)) for answer in _answers(tmp_path / "segment.json")]
    assert kinds[-5:] == ["blob", "chunk", "blob", "chunk", "summary"]


@SHARED
async def test_features_alone_answers_its_example(servers: dict[str, ServerProcess], tmp_path: Path) -> None:
    _run(["Features"], {"localhost:7402": servers["features"].target}, tmp_path)

    passport = Parse((tmp_path / "passport.json").read_text(), passport_pb2.Passport())
    assert passport.categories[0].category == category_pb2.CATEGORY_T_SHIRT
    assert (passport.photo_width, passport.photo_height) == PHOTO_SIZE
    assert len(passport.landmarks) > 5
    [answer] = _answers(tmp_path / "features.json")
    assert answer["passport"] == json.loads((tmp_path / "passport.json").read_text())


@SHARED
async def test_generation_alone_answers_its_example(servers: dict[str, ServerProcess], tmp_path: Path) -> None:
    _run(["Generation"], {"localhost:7403": servers["generation"].target}, tmp_path)

    picture = Image.open(tmp_path / "picture.ppm")
    assert picture.size == (512, 768)
    # The print of the drawn shirt is the only red thing in the studio.
    assert sum(red > 140 and green < 80 for red, green, _ in picture.get_flattened_data()) > 500
    answers = list(_answers(tmp_path / "generate.json"))
    [header] = [blob for blob in answers[-1]["summary"]["blobs"] if blob["part"] == "view/0/picture"]
    assert (header["width"], header["height"]) == (256, 384)


@SHARED
async def test_the_orchestrator_answers_its_example(servers: dict[str, ServerProcess], tmp_path: Path) -> None:
    _run(["Try-on"], {"localhost:7400": servers["orchestrator"].target}, tmp_path)

    picture = Image.open(tmp_path / "worn.png")
    assert (picture.format, picture.size) == ("PNG", (768, 1152))
    kinds = [next(iter(answer)) for answer in _answers(tmp_path / "try_on.json")]
    assert (kinds[0], kinds[-2:]) == ("accepted", ["manifest", "summary"])


@SHARED
async def test_a_refusal_is_told_in_the_servers_words(servers: dict[str, ServerProcess], tmp_path: Path) -> None:
    words = tmp_path / "words.jpg"
    words.write_text("This is not a picture.\n" * 40)
    done = _run_script("segment.py", servers["segmentation"].target, str(words), "mask", "alpha")

    assert done.returncode == 1
    assert done.stderr.startswith("INVALID_ARGUMENT: ")
    assert "Traceback" not in done.stderr


def test_there_is_an_example_for_every_contract() -> None:
    assert [script.stem for script in SCRIPTS] == ["features", "generate", "segment", "try_on"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_an_example_needs_nothing_but_grpc_and_the_stubs(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    needed = {module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names}
    assert "grpc" in needed
    assert all(re.fullmatch(r"grpc|google\.protobuf\.\w+|fashquick(\.\w+)+_pb2(_grpc)?", module) for module in needed)


def test_the_examples_inputs_are_small_and_belong_together() -> None:
    photo, alpha = EXAMPLES / "garment" / "photo.jpg", EXAMPLES / "garment" / "alpha.png"
    passport = Parse((EXAMPLES / "garment" / "passport.json").read_text(), passport_pb2.Passport())

    assert photo.stat().st_size < 80_000
    assert Image.open(photo).size == Image.open(alpha).size == PHOTO_SIZE
    assert (passport.photo_width, passport.photo_height) == PHOTO_SIZE


def test_the_line_for_grpcurl_names_a_proto_and_its_rpc() -> None:
    [(proto, method)] = re.findall(r"-proto (\S+) -d @ \\\n +\S+ (\S+)", README)

    text = (ROOT / "protos" / proto).read_text(encoding="utf-8")
    assert f"package {method.rpartition('.')[0]};" in text
    assert f"rpc {method.rpartition('/')[2]}(" in text

"""The README tells the truth: its commands exist, its code runs, its links lead somewhere, its table is complete."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.photos import plain_photo, png
from tests.support.servers import Stack

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "README.md"])


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", README))

    assert {"tryon", "test", "help", "up"} <= named
    assert named <= targets


def test_every_command_is_one_of_fashquick() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "fashquick_client", "--help"], capture_output=True, text=True, check=True
    )
    named = set(
        re.findall(r"\bfashquick (up|[a-z-]+) ", "\n".join(re.findall(r"^    (fashquick .*)$", README, re.MULTILINE)))
    )

    assert named
    for command in named:
        assert command in listed.stdout
        done = subprocess.run(
            [sys.executable, "-m", "fashquick_client", command, "--help"], check=False, capture_output=True
        )
        assert done.returncode == 0


async def test_the_python_example_runs(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    port = stack.servers["orchestrator"].port
    source = example.replace("localhost:7400", f"127.0.0.1:{port}")
    (tmp_path / "shirt.jpg").write_bytes(png(plain_photo()))
    monkeypatch.chdir(tmp_path)
    imports, _, body = source.partition("\n\nasync")
    namespace: dict[str, object] = {}

    exec(f"{imports}\nasync def example():\n{textwrap.indent('async' + body, '    ')}", namespace)
    await namespace["example"]()  # type: ignore[operator]

    assert (tmp_path / "worn.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if not link.startswith("http"):
            assert (document.parent / link).exists(), link


def test_every_dependency_is_in_the_table() -> None:
    table = README.partition("## Dependencies")[2]
    pins = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    for path in ROOT.glob("**/pyproject.toml"):
        if ".venv" in path.as_posix():
            continue
        project = tomllib.loads(path.read_text()).get("project", {})
        extras = project.get("optional-dependencies", {}).values()
        for text in [*project.get("dependencies", []), *(text for extra in extras for text in extra)]:
            name = Requirement(text).name
            if not name.startswith("fashquick"):
                assert name in table, name
                assert name.lower() in pins, name

"""A Dockerfile as its stages, and the files of the repository that its builder is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docker.utils import exclude_paths
from dockerfile_parse import DockerfileParser

BUILDERS_OWN = frozenset({"Dockerfile", ".dockerignore"})


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction.

    Attributes:
        name: Such as "RUN".
        value: What follows the name, its lines joined.
        environment: The variables set by ENV so far in this stage.
        arguments: Those set by ARG.
    """

    name: str
    value: str
    environment: Mapping[str, str]
    arguments: Mapping[str, str]

    def flags_and_words(self) -> tuple[list[str], str]:
        """Split flags, such as "--from=builder", from the rest."""
        flags, rest = [], self.value
        while rest.startswith("--"):
            flag, _, rest = rest.partition(" ")
            flags.append(flag)
            rest = rest.lstrip()
        return flags, rest


@dataclass(frozen=True, slots=True)
class Stage:
    """What one FROM begins. The name is "" where it has none."""

    name: str
    steps: tuple[Step, ...]

    def last(self, instruction: str) -> Step:
        """Return the last step of that name.

        Raises:
            LookupError: The stage has none.
        """
        for step in reversed(self.steps):
            if step.name == instruction:
                return step
        raise LookupError(f"the stage {self.name!r} has no {instruction}")

    @property
    def entrypoint(self) -> list[str]:
        """The command in exec form.

        Raises:
            JSONDecodeError: It is in shell form.
        """
        words: list[str] = json.loads(self.last("ENTRYPOINT").value)
        return words


def read_stages(path: Path, *, arguments: Mapping[str, str] | None = None, search_path: str = "") -> list[Stage]:
    """Read a Dockerfile.

    Args:
        path: The file.
        arguments: Values of `--build-arg`.
        search_path: PATH of the base image.
    """
    with path.open("rb") as file:
        parser = DockerfileParser(fileobj=file, parent_env={"PATH": search_path}, build_args=dict(arguments or {}))
        lines = list(zip(parser.structure, parser.context_structure, strict=True))
    stages: list[Stage] = []
    for line, context in lines:
        if line["instruction"] == "FROM":
            stages.append(Stage(line["value"].partition(" AS ")[2], ()))
        elif stages and line["instruction"] != "COMMENT":
            step = Step(line["instruction"], line["value"], dict(context.envs), dict(context.args))
            stages[-1] = Stage(stages[-1].name, (*stages[-1].steps, step))
    return stages


def build_context(root: Path) -> list[Path]:
    """Return the files of the repository that .dockerignore lets through, relative to its root."""
    patterns = [
        line.strip()
        for line in (root / ".dockerignore").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    found = (Path(name) for name in exclude_paths(str(root), patterns))
    # Two that the library always lets through, for the builder itself.
    return sorted(path for path in found if (root / path).is_file() and path.name not in BUILDERS_OWN)

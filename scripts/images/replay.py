"""Runs the instructions of a Dockerfile without a container engine.

Every stage is a folder that is the root directory of its commands, in mounts of their own. The system folders and the
Python of this machine stand in for the base image, read-only; nothing else of this machine can be seen. Needs root.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .dockerfile import Stage, Step, build_context, read_stages

FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", sys.base_prefix)
SYSTEM = [path for path in FOLDERS if Path(path).is_dir()]
SEARCH_PATH = f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"
NOTHING_TO_DO = frozenset({"ARG", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "ENTRYPOINT", "USER"})


class ReplayError(Exception):
    """The Dockerfile cannot be replayed, or one of its commands failed."""


@dataclass(frozen=True, slots=True)
class Image:
    """The last stage, built.

    Attributes:
        root: The folder that is its root directory.
        stage: Its instructions.
    """

    root: Path
    stage: Stage

    def command(self, words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """Return the command that runs `words` as the image's user, with nothing but /tmp writable."""
        environment = {"PATH": SEARCH_PATH, **self.stage.steps[-1].environment, **environment}
        script = enter(self.root, words, environment, user=self.stage.last("USER").value, writable=False)
        return in_own_mounts(script)


def replay(dockerfile: Path, repository: Path, folder: Path, arguments: Mapping[str, str]) -> Image:
    """Build an image inside `folder`, a stage below another.

    Raises:
        ReplayError: An instruction is not known here, or failed.
    """
    stages = read_stages(dockerfile, arguments=arguments, search_path=SEARCH_PATH)
    roots: dict[str, Path] = {}
    for number, stage in enumerate(stages):
        root = roots[stage.name] = folder / f"stage{number}"
        (root / "tmp").mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        workdir = "/"
        for step in stage.steps:
            if step.name == "WORKDIR":
                workdir = str(PurePosixPath(workdir) / step.value)
                (root / workdir[1:]).mkdir(parents=True, exist_ok=True)
            elif step.name == "COPY":
                copy(step, repository, root, workdir, roots)
            elif step.name == "RUN":
                run(step, root, workdir)
            elif step.name not in NOTHING_TO_DO:
                raise ReplayError(f"{dockerfile}: {step.name} cannot be replayed")
    return Image(root, stage)


def copy(step: Step, repository: Path, root: Path, workdir: str, stages: Mapping[str, Path]) -> None:
    """Copy files of the build's context, or of another stage, into a stage."""
    flags, rest = step.flags_and_words()
    *sources, target = rest.split()
    into = root / str(PurePosixPath(workdir) / target)[1:]
    if not flags:
        files = build_context(repository)
        for source in sources:
            found = [path for path in files if path == Path(source) or Path(source) in path.parents]
            if not found:
                raise ReplayError(f"COPY {source}: .dockerignore lets no such file through")
            for path in found:
                inner = path.relative_to(source) if path != Path(source) else Path(path.name)
                (into / inner).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(repository / path, into / inner)
        return
    stage = stages.get(flags[0].removeprefix("--from="))
    if stage is None or len(flags) > 1 or len(sources) > 1:
        raise ReplayError(f"COPY {step.value} cannot be replayed")
    into.parent.mkdir(parents=True, exist_ok=True)
    # Hard links: nobody changes the files any more, and times stay as they are, as with a container engine.
    subprocess.run(["cp", "--archive", "--link", stage / sources[0][1:], into], check=True)


def run(step: Step, root: Path, workdir: str) -> None:
    """Run a command as root, with the stage's variables and this machine's settings of pip and of proxies."""
    flags, command = step.flags_and_words()
    caches = [flag.partition("target=")[2] for flag in flags if flag.startswith("--mount=type=cache,target=")]
    if len(caches) != len(flags):
        raise ReplayError(f"RUN {' '.join(flags)} cannot be replayed")
    local = {name: value for name, value in os.environ.items() if re.search("^pip_|_proxy$", name, re.IGNORECASE)}
    folders = {word for value in local.values() for word in value.split() if word[:1] == "/" and Path(word).is_dir()}
    environment = {"HOME": "/root", "PATH": SEARCH_PATH, **local, **step.environment, **step.arguments}
    mounts = [f"mount --bind -o ro {path} {point(root, path)}" for path in sorted(folders)]
    mounts += [f"mount --bind {shlex.quote(pip_cache())} {point(root, target)}" for target in caches]
    script = enter(root, ["/bin/sh", "-c", command], environment, workdir=workdir, mounts=mounts)
    if subprocess.run(in_own_mounts(script), check=False).returncode:
        raise ReplayError(f"failed: RUN {step.value}")


def pip_cache() -> str:
    """Return the folder of pip's cache, which outlives the builds, as a builder's cache mount does."""
    done = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], check=True, capture_output=True, text=True)
    Path(done.stdout.strip()).mkdir(parents=True, exist_ok=True)
    return done.stdout.strip()


def point(root: Path, path: str) -> str:
    """Make the folder on which `path` is mounted below a stage's root; return it, quoted."""
    (root / path[1:]).mkdir(parents=True, exist_ok=True)
    return shlex.quote(str(root / path[1:]))


def enter(
    root: Path,
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    workdir: str = "/",
    user: str = "0:0",
    mounts: Sequence[str] = (),
    writable: bool = True,
) -> str:
    """Return the shell lines that make a stage's folder the root directory and run a command there."""
    lines = [f"mount --bind {shlex.quote(str(root))} {shlex.quote(str(root))}"]
    for path in SYSTEM:
        # Devices must be writable (/dev/null), and both hold mounts of their own.
        how = "--rbind" if path in {"/dev", "/proc"} else "--bind -o ro"
        lines.append(f"mount {how} {path} {point(root, path)}")
    lines += mounts
    if not writable:
        lines += [f"mount --bind {point(root, '/tmp')} {point(root, '/tmp')}"]
        lines += [f"mount -o remount,bind,ro {shlex.quote(str(root))}"]
    variables = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", "--ignore-environment", f"--chdir={workdir}", *variables, *words]
    lines.append(f"exec chroot --userspec={user} --groups= {shlex.quote(str(root))} {shlex.join(command)}")
    return "\n".join(lines)


def in_own_mounts(script: str) -> list[str]:
    """Return the command that runs shell lines whose mounts nobody else sees, and which end with them."""
    return ["unshare", "--mount", "--propagation=private", "sh", "-e", "-c", script]

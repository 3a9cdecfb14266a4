"""The Dockerfiles, read; `scripts/check_images` builds and starts what they describe."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fashquick_client.local import _ALLOCATOR
from fashquick_common.server.settings import ServerSettings
from fashquick_features.config import FeaturesSettings
from fashquick_generation.config import GenerationSettings
from fashquick_orchestrator.config import OrchestratorSettings
from fashquick_segmentation.config import SegmentationSettings
from scripts.images.dockerfile import Stage, build_context, read_stages
from scripts.images.replay import ReplayError, replay

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, type[ServerSettings]] = {
    "orchestrator": OrchestratorSettings,
    "segmentation": SegmentationSettings,
    "features": FeaturesSettings,
    "generation": GenerationSettings,
}
# Variables for backends to come; no settings class has them yet.
NOT_SETTINGS = {"FASHQUICK_MODELS", "FASHQUICK_OFFLINE"}
EXTRAS = {"segmentation": "sam2", "features": "ocr", "generation": "diffusion"}

every_service = pytest.mark.parametrize("service", SETTINGS)


def folder_of(service: str) -> Path:
    return ROOT / (service if service == "orchestrator" else f"services/{service}")


def stages_of(service: str) -> list[Stage]:
    return read_stages(folder_of(service) / "Dockerfile", search_path="/usr/bin")


def last_environment(service: str) -> dict[str, str]:
    return dict(stages_of(service)[-1].steps[-1].environment)


def project_of(service: str) -> dict:
    return tomllib.loads((folder_of(service) / "pyproject.toml").read_text())["project"]


def repository(folder: Path, **files: str) -> Path:
    for name, text in {"Dockerfile": "FROM scratch\n", ".dockerignore": "*\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@every_service
def test_hadolint_finds_nothing_and_is_told_to_ignore_nothing(service: str) -> None:
    dockerfile = folder_of(service) / "Dockerfile"
    hadolint = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([hadolint, "--no-color", dockerfile], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint" not in dockerfile.read_text()


@every_service
def test_the_base_is_named_by_its_tag_and_can_be_named_by_a_digest(service: str) -> None:
    text = (folder_of(service) / "Dockerfile").read_text()

    assert re.findall(r"^ARG BASE=(.*)$", text, re.MULTILINE) == ["python:3.11-slim-bookworm"]
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["$BASE", "$BASE"]


@every_service
def test_the_last_stage_installs_nothing_and_copies_nothing_but_the_environment_and_the_licences(service: str) -> None:
    last = stages_of(service)[-1]

    assert "RUN" not in {step.name for step in last.steps}
    assert [step.value for step in last.steps if step.name == "COPY"] == [
        "LICENSE NOTICE /licenses/",
        "--from=builder /opt/fashquick /opt/fashquick",
    ]


@every_service
def test_the_user_is_a_number_and_not_root(service: str) -> None:
    user, group = stages_of(service)[-1].last("USER").value.split(":")

    assert user.isdecimal()
    assert group.isdecimal()
    assert 0 not in {int(user), int(group)}


@every_service
def test_the_entry_point_is_in_exec_form_and_leaves_its_process_to_the_service(service: str) -> None:
    start = ["python", "-m", f"fashquick_{service}"]

    entrypoint = stages_of(service)[-1].entrypoint

    shell = entrypoint[:2] == ["sh", "-c"] and entrypoint[2].endswith(f"&& exec {' '.join(start)}")
    assert entrypoint == start or shell
    assert stages_of(service)[-1].last("STOPSIGNAL").value == "SIGTERM"


@every_service
def test_the_allocator_is_set_as_for_servers_on_this_machine(service: str) -> None:
    environment = last_environment(service)

    assert {name: value for name, value in environment.items() if name.startswith("MALLOC_")} == _ALLOCATOR


@every_service
def test_the_ports_are_those_of_the_settings(service: str) -> None:
    fields = SETTINGS[service].model_fields

    exposed = stages_of(service)[-1].last("EXPOSE").value.split()

    assert exposed == [str(fields["port"].default), str(fields["admin_port"].default)]


@every_service
def test_the_settings_are_real_and_make_the_service_reachable(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {name: value for name, value in last_environment(service).items() if name.startswith("FASHQUICK_")}
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)

    settings = SETTINGS[service]()

    fields = {f"FASHQUICK_{name.upper()}" for name in SETTINGS[service].model_fields}
    assert chosen.keys() - fields == NOT_SETTINGS - fields
    assert settings.host == "0.0.0.0"


@every_service
def test_what_runs_finds_its_environment_and_a_home_to_write_to(service: str) -> None:
    environment = last_environment(service)

    assert environment["PATH"] == "/opt/fashquick/bin:/usr/bin"
    assert environment["HOME"] == "/tmp"
    assert environment["PYTHONUNBUFFERED"] == environment["PYTHONDONTWRITEBYTECODE"] == "1"


@every_service
def test_the_labels_say_the_version_of_the_distribution(service: str) -> None:
    labels = dict(
        pair.split("=", 1) for pair in re.findall(r'[\w.]+="[^"]*"', stages_of(service)[-1].last("LABEL").value)
    )

    assert labels["org.opencontainers.image.title"] == f'"fashquick {service}"'
    assert labels["org.opencontainers.image.version"] == f'"{project_of(service)["version"]}"'
    assert labels["org.opencontainers.image.licenses"] == f'"{project_of(service)["license"]}"'


@every_service
def test_the_variant_cuda_installs_an_extra_that_the_distribution_has(service: str) -> None:
    [command] = [step.value for step in stages_of(service)[0].steps if "scripts/install" in step.value]

    extras = re.findall(r"--extra (\w+)", command)

    assert f"scripts/install {service}" in command
    assert extras == ([EXTRAS[service]] if service in EXTRAS else [])
    assert set(extras) == project_of(service).get("optional-dependencies", {}).keys()


def test_kernels_are_compiled_for_no_particular_cpu_and_looked_for_as_they_were_compiled() -> None:
    builder, last = (dict(stage.steps[-1].environment) for stage in stages_of("generation"))

    assert builder["NUMBA_CPU_NAME"] == last["NUMBA_CPU_NAME"] == "generic"
    assert builder["NUMBA_CACHE_DIR"].startswith("/opt/fashquick/")
    assert last["NUMBA_CACHE_DIR"].startswith("/tmp/")
    [_, _, start] = stages_of("generation")[-1].entrypoint
    assert start.startswith(f'cp -R {builder["NUMBA_CACHE_DIR"]}/. "$NUMBA_CACHE_DIR" && ')


@every_service
def test_every_source_of_a_copy_is_let_through(service: str) -> None:
    files = build_context(ROOT)

    for step in stages_of(service)[0].steps:
        if step.name == "COPY":
            flags, words = step.flags_and_words()
            assert not flags
            for source in map(Path, words.split()[:-1]):
                assert any(path == source or source in path.parents for path in files), source


def test_nothing_is_let_through_that_no_image_is_made_of() -> None:
    sources = {
        Path(source)
        for service in SETTINGS
        for stage in stages_of(service)
        for step in stage.steps
        if step.name == "COPY" and not step.flags_and_words()[0]
        for source in step.flags_and_words()[1].split()[:-1]
    }

    unused = [path for path in build_context(ROOT) if path not in sources and not sources & set(path.parents)]

    assert unused == []


def test_secrets_photos_tests_and_environments_stay_out(tmp_path: Path) -> None:
    unwanted = (
        ".git/config",
        ".env",
        ".venv/bin/python",
        "photo.jpg",
        "services/features/photo.jpg",
        "services/features/.venv/bin/python",
        "services/features/src/fashquick_features/__pycache__/engine.pyc",
        "protos/python/fashquick/common/v1/__pycache__/limits_pb2.pyc",
        "scripts/tryon",
        "tests/conftest.py",
    )
    wanted = ("services/features/src/fashquick_features/engine.py", "services/features/pyproject.toml", "NOTICE")
    ignored = (ROOT / ".dockerignore").read_text()
    repository(tmp_path, **{".dockerignore": ignored}, **dict.fromkeys((*unwanted, *wanted), "x"))

    assert {path.as_posix() for path in build_context(tmp_path)} == set(wanted)


def test_a_replay_does_not_copy_what_is_not_let_through(tmp_path: Path) -> None:
    root = repository(tmp_path / "repository", Dockerfile="FROM scratch\nCOPY secret.txt ./\n", **{"secret.txt": "x"})

    with pytest.raises(ReplayError, match=r"secret\.txt: .dockerignore lets no such file through"):
        replay(root / "Dockerfile", root, tmp_path / "build", {})


def test_a_replay_copies_folders_as_their_content_and_files_into_folders(tmp_path: Path) -> None:
    root = repository(
        tmp_path / "repository",
        **{
            "Dockerfile": "FROM scratch\nWORKDIR /src\nCOPY a.txt b/c.txt ./\nCOPY b d/\nUSER 1:1\n",
            ".dockerignore": "*\n!a.txt\n!b\n",
            "a.txt": "a",
            "b/c.txt": "c",
        },
    )

    image = replay(root / "Dockerfile", root, tmp_path / "build", {})

    files = {path.relative_to(image.root).as_posix() for path in image.root.rglob("*") if path.is_file()}
    assert files == {"src/a.txt", "src/c.txt", "src/d/c.txt"}


@pytest.mark.parametrize("line", ["ADD a /a", "VOLUME /a", "RUN --network=none true", "COPY --chown=1 a /a"])
def test_a_replay_refuses_what_it_does_not_know(line: str, tmp_path: Path) -> None:
    root = repository(tmp_path / "repository", Dockerfile=f"FROM scratch\n{line}\n")

    with pytest.raises(ReplayError, match="cannot be replayed"):
        replay(root / "Dockerfile", root, tmp_path / "build", {})

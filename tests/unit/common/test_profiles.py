"""Profiles: the packaged ones are whole, and a user's own file is hostile until checked."""

from __future__ import annotations

import copy
import json
import os
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fashquick_common.errors import BadField
from fashquick_common.models import Role, StoredFile, gaps, profiles, weights_digest
from fashquick_common.models.sums import stays_inside

PACKAGED = json.loads(resources.files("fashquick_common.models").joinpath("profiles.json").read_text())
SCHEMA = json.loads(resources.files("fashquick_common.models").joinpath("profiles.schema.json").read_text())
OWN: dict[str, Any] = {
    "sources": {
        "mine": {
            "repository": "shop/fine-tune",
            "revision": "0" * 40,
            "licence": "ours",
            "licence_url": "https://shop.example/licence",
        }
    },
    "files": {
        "own-unet": {
            "role": "unet",
            "name": "fine-tune/unet.safetensors",
            "source": "mine",
            "path": "unet.safetensors",
            "size_bytes": None,
            "sha256": "ab" * 32,
        }
    },
    "profiles": [
        {
            **PACKAGED["profiles"][0],
            "name": "shop",
            "files": ["own-unet", *PACKAGED["profiles"][0]["files"][1:]],
        }
    ],
}


def written(folder: Path, value: object) -> Path:
    path = folder / "own.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_the_packaged_file_has_the_form_of_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(PACKAGED, SCHEMA)


def test_the_default_comes_first() -> None:
    assert list(profiles()) == ["sd15-4gb", "sd15-quality", "sd15-fast"]


@pytest.mark.parametrize("name", list(profiles()))
def test_every_role_is_there_once(name: str) -> None:
    profile = profiles()[name]
    counts = Counter(file.role for file in profile.files)
    needed = {Role.UNET, Role.VAE, Role.TEXT_ENCODER, Role.TOKENIZER, Role.SCHEDULER, Role.CONTROL_POSE}
    needed |= {Role.CONTROL_DEPTH, Role.PREVIEW} | ({Role.LORA} if profile.scheduler == "lcm" else set())
    assert set(counts) - profile.optional == needed
    assert set(counts) >= profile.optional
    assert {role: count for role, count in counts.items() if count != 1} == {Role.TOKENIZER: 2}
    assert all(stays_inside(file.name) for file in profile.files)
    assert sum(file.size_bytes or 0 for file in profile.needed) < 5e9  # The goal for a whole installation.
    assert all(file.source and len(file.source.revision) == 40 for file in profile.files)


def test_one_set_of_weights_serves_all() -> None:
    shared = set.intersection(*({file.name for file in profile.needed} for profile in profiles().values()))
    assert {file.name for file in profiles()["sd15-4gb"].needed} == shared


def test_an_own_file_adds_profiles_and_builds_on_the_packaged_ones(tmp_path: Path) -> None:
    jsonschema.validate(OWN, SCHEMA)
    found = profiles(written(tmp_path, OWN))
    assert list(found) == [*profiles(), "shop"]
    [unet] = found["shop"].of(Role.UNET)
    assert (unet.name, unet.sha256) == ("fine-tune/unet.safetensors", "ab" * 32)
    assert found["shop"].of(Role.VAE) == profiles()["sd15-4gb"].of(Role.VAE)


def test_the_example_of_the_documents_is_right(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/operations.md").read_text()
    [example] = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    own = json.loads(example.replace("<64 digits>", "ab" * 32))
    jsonschema.validate(own, SCHEMA)
    assert profiles(written(tmp_path, own))["house"].of(Role.UNET)[0].source is None


def test_a_single_file_counts_for_unet_vae_and_text_encoder(tmp_path: Path) -> None:
    own = copy.deepcopy(OWN)
    own["files"]["own-unet"] |= {"role": "whole", "source": None}
    own["profiles"][0]["files"] = ["own-unet", *PACKAGED["profiles"][0]["files"][3:]]
    profile = profiles(written(tmp_path, own))["shop"]
    assert profile.of(Role.WHOLE)[0].source is None
    assert not profile.of(Role.UNET)


def change(path: str, value: object) -> dict[str, Any]:
    """The own file with one value changed; a path such as "profiles.0.steps"."""
    own = copy.deepcopy(OWN)
    *way, last = path.split(".")
    here: Any = own
    for step in way:
        here = here[int(step) if isinstance(here, list) else step]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return own


FORM = [
    ("profiles.0.steps", 0),
    ("profiles.0.steps", 1000),
    ("profiles.0.guidance", 20.5),
    ("profiles.0.steps", 20.5),
    ("profiles.0.steps", True),
    ("profiles.0.steps", ...),
    ("profiles.0.guidance", "7"),
    ("profiles.0.control", -1),
    ("profiles.0.controls_together", 3),
    ("profiles.0.strengths.initial", 1.5),
    ("profiles.0.strengths.garment", None),
    ("profiles.0.strengths.ears", 0.5),
    ("profiles.0.scheduler", "euler"),
    ("profiles.0.name", "../up"),
    ("profiles.0.name", "a\nb"),
    ("profiles.0.about", "\x1b[31mred"),
    ("profiles.0.about", "\ud800"),
    ("profiles.0.files", []),
    ("profiles.0.files", "own-unet"),
    ("profiles.0.optional", ["ears"]),
    ("profiles.0.working_pixels", 10**9),
    ("profiles.0.surprise", 1),
    ("profiles", {}),
    ("profiles", []),
    ("files.own-unet.name", "../outside.safetensors"),
    ("files.own-unet.name", "/etc/unet.safetensors"),
    ("files.own-unet.name", "a//b.safetensors"),
    ("files.own-unet.name", "a/.hidden.safetensors"),
    ("files.own-unet.name", "x" * 200 + ".safetensors"),
    ("files.own-unet.path", "..\\up"),
    ("files.own-unet.size_bytes", 0),
    ("files.own-unet.sha256", "AB" * 32),
    ("files.own-unet.sha256", "ab" * 31),
    ("files.own-unet.role", "brush"),
    ("files.own-unet.role", ["unet"]),
    ("files.bad key", {}),
    ("sources.mine.repository", "shop"),
    ("sources.mine.repository", "shop/../../etc"),
    ("sources.mine.revision", "a/b"),
    ("sources.mine.licence_url", "javascript:alert(1)"),
    ("surprise", {}),
]


@pytest.mark.parametrize(("path", "value"), FORM)
def test_a_mistake_of_form_is_refused_by_the_reader_and_by_the_schema(path: str, value: object, tmp_path: Path) -> None:
    own = change(path, value)
    with pytest.raises(BadField) as caught:
        profiles(written(tmp_path, own))
    assert caught.value.message.startswith(f"{tmp_path}/own.json: ")
    assert caught.value.message.isprintable()
    assert caught.value.field.split("[")[0].split(".")[0] == path.split(".", maxsplit=1)[0]
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(own)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("files.own-unet.source", "nowhere", "files.own-unet.source is nowhere, not the key of a source"),
        ("files.own-unet.name", "fine-tune/unet.ckpt", "ends in .safetensors"),
        ("files.own-unet.name", "fine-tune/unet.json", "ends in .safetensors"),
        ("files.own-unet.name", PACKAGED["files"]["sd15-vae"]["name"], "a name in the store that another file has"),
        ("profiles.0.files", OWN["profiles"][0]["files"][:-3], "without one for control-depth"),
        ("profiles.0.files", ["sd15-unet", *OWN["profiles"][0]["files"]], "with 2 for unet"),
        ("profiles.0.files", ["nothing"], r"profiles\[0\].files\[0\] is nothing, not the key of a file"),
        ("profiles.0.optional", ["vae"], "a role that a profile works without"),
        ("profiles.0.name", "sd15-4gb", "another profile has it"),
        ("files.sd15-vae", OWN["files"]["own-unet"], "the packaged profiles have it"),
    ],
)
def test_a_mistake_of_meaning_is_told_with_its_place(path: str, value: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadField, match=words):
        profiles(written(tmp_path, change(path, value)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"profiles"',
        "[" * 100_000,
        '{"profiles": NaN}',
        json.dumps(OWN).replace("0.55", "1e999"),
        json.dumps(OWN).replace('"steps": 20', '"steps": 20, "steps": 30'),
        json.dumps(OWN).replace('"steps": 20', f'"steps": {"9" * 5000}'),
        "\x00" * 100,
        " " * (1024 * 1024 + 1),
    ],
)
def test_what_is_no_such_json_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadField, match=r"own\.json"):
        profiles(written(tmp_path, text))


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "bytes"])
def test_what_is_no_text_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadField, match=r"own\.json"):
        profiles(path)


def test_gaps_are_files_that_are_missing_or_other_ones() -> None:
    profile = profiles()["sd15-4gb"]
    whole = [StoredFile(f.name, f.sha256 or "cd" * 32, f.size_bytes, verified=False) for f in profile.files]
    assert gaps(profile.files, whole) == ()
    unet, vae, text_encoder, *rest = whole
    other = StoredFile(unet.name, "ef" * 32, unet.size_bytes, verified=False)
    gone = StoredFile(vae.name, vae.sha256, None, verified=False)
    short = StoredFile(text_encoder.name, text_encoder.sha256, 3, verified=False)
    found = gaps(profile.files, [other, gone, short, *rest[1:]])
    assert [file.name for file in found] == [unet.name, vae.name, text_encoder.name, rest[0].name]


def test_a_digest_stands_for_all_files_in_any_order() -> None:
    digests = [("a.safetensors", "ab" * 32), ("b.safetensors", "cd" * 32)]
    assert weights_digest(digests) == weights_digest(reversed(digests))
    assert weights_digest(digests) != weights_digest([("a.safetensors", "cd" * 32), ("b.safetensors", "ab" * 32)])

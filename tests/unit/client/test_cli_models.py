"""`fashquick models`, against a real server with canned answers."""

import hashlib
import json

import grpc
import pytest

from fashquick_client.commands import models as command
from fashquick_client.services import Service
from tests.support.command import fashquick
from tests.support.own_profiles import PACKAGED, write_profiles, write_store


def models(server, *args):
    return fashquick("models", *args, "--endpoint", server.endpoint)


def lines(result):
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.stdout.splitlines()]


def test_a_table_for_people(server):
    server.models["small"].loaded = server.models["small"].verified = True
    server.models["small"].users = 1
    heading, tiny, small, large, budget = lines(models(server, "list"))
    assert heading.split() == ["Model", "Backend", "State", "Weights"]
    assert tiny.split() == ["tiny", "(default)", "sam2", "installed", "155", "MiB"]
    assert small.split() == ["small", "sam2", "loaded,", "verified,", "used", "by", "1", "call", "155", "MiB"]
    assert large.split() == ["large", "sam2", "not", "installed", "155", "MiB"]
    assert "2048 MiB" in budget


def test_json_for_programs(server):
    [listed] = json.loads(models(server, "list", "--json").stdout)["servers"]
    assert listed["endpoint"] == server.endpoint
    assert listed["budget_bytes"] == 2 << 30
    assert listed["models"][0] == {
        "name": "tiny",
        "backend": "sam2",
        "file": "tiny.pt",
        "sha256": "ab" * 32,
        "verified": False,
        "loaded": False,
        "users": 0,
        "weight_bytes": 155 << 20,
        "is_default": True,
    }


def test_a_server_that_needs_no_weights(server):
    server.models.clear()
    [line] = lines(models(server, "list"))
    assert "no models" in line
    [line] = lines(models(server, "verify"))
    assert "No model is installed" in line


def test_load_and_unload(server):
    assert "loaded, verified" in lines(models(server, "load", "tiny"))[1]
    assert server.models["tiny"].loaded
    assert "installed, verified" in lines(models(server, "unload", "tiny"))[1]
    assert not server.models["tiny"].loaded


def test_verify_takes_all_that_are_installed(server):
    assert len(lines(models(server, "verify"))) == 3
    assert [model.verified for model in server.models.values()] == [True, True, False]


def test_one_damaged_file_does_not_stop_the_others(server):
    server.damaged = {"tiny"}
    result = models(server, "verify")
    assert result.exit_code == 1
    assert "tiny: tiny.pt has another SHA-256" in result.stderr
    assert "small" in result.stdout
    assert server.models["small"].verified


@pytest.mark.parametrize(
    ("args", "words"),
    [(["load", "huge"], "no model 'huge'"), (["load", "large"], "not installed"), (["verify", "large"], "installed")],
)
def test_failures_have_their_exit_code_and_one_line(server, args, words):
    result = models(server, *args)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_model_in_use_stays(server):
    server.models["tiny"].users = 2
    result = models(server, "unload", "tiny")
    assert (result.exit_code, "2 calls" in result.stderr) == (1, True)


def test_a_server_without_the_service_says_so():
    server = grpc.server(None)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    result = fashquick("models", "list", "--endpoint", f"127.0.0.1:{port}")
    server.stop(grace=None).wait()
    assert result.exit_code == 1
    assert f"127.0.0.1:{port} does not have this call" in result.stderr


def test_nobody_there():
    result = fashquick("models", "list", "--endpoint", "127.0.0.1:1")
    assert result.exit_code == 3
    assert "127.0.0.1:1" in result.stderr


@pytest.fixture
def usual(server, monkeypatch):
    """The fake server in the place of segmentation, and nobody in that of generation."""
    places = {Service.SEGMENTATION: server.endpoint, Service.GENERATION: "127.0.0.1:1"}
    monkeypatch.setattr("fashquick_client.commands.models.usual_places", lambda: places)
    monkeypatch.delenv("FASHQUICK_MODELS", raising=False)
    monkeypatch.delenv("FASHQUICK_DIFFUSION_PROFILES", raising=False)
    return places


def test_the_usual_places_are_those_of_fashquick_up():
    assert command.usual_places() == {Service.SEGMENTATION: "127.0.0.1:7401", Service.GENERATION: "127.0.0.1:7403"}


def test_a_list_of_all_names_who_is_silent_and_has_the_profiles(usual):
    result = fashquick("models", "list")
    assert result.exit_code == 0
    assert "the generation server at 127.0.0.1:1 cannot be reached" in result.stderr
    assert "Models of the segmentation server:" in result.stdout
    assert "tiny (default)" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith("sd15-4gb"))
    assert row.split()[1:4] == ["unknown", "3.6", "GB"]


def test_a_list_of_all_for_programs(usual):
    listed = json.loads(fashquick("models", "list", "--json").stdout)
    segmentation, generation = listed["servers"]
    assert [model["name"] for model in segmentation["models"]] == ["tiny", "small", "large"]
    assert (generation["service"], generation["error"]["reason"]) == ("generation", "STAGE_UNREACHABLE")
    assert [profile["name"] for profile in listed["profiles"]] == ["sd15-4gb", "sd15-quality", "sd15-fast"]


def test_a_list_where_nothing_runs_still_has_the_profiles(usual):
    usual[Service.SEGMENTATION] = "127.0.0.1:1"
    result = fashquick("models", "list")
    assert result.exit_code == 0
    assert result.stdout.startswith("Profiles of the diffusion backend")
    assert result.stderr.count("cannot be reached") == 2


@pytest.mark.parametrize("keeper", [Service.SEGMENTATION, Service.GENERATION])
def test_the_server_that_knows_a_model_is_found(usual, server, keeper):
    usual.update({Service.SEGMENTATION: "127.0.0.1:1", Service.GENERATION: "127.0.0.1:1"} | {keeper: server.endpoint})
    assert fashquick("models", "load", "small").exit_code == 0
    assert server.models["small"].loaded
    assert fashquick("models", "verify", "tiny").exit_code == 0
    assert server.models["tiny"].verified
    assert fashquick("models", "unload", "small").exit_code == 0
    assert not server.models["small"].loaded


def test_a_model_that_nobody_has_is_told_with_those_that_there_are(usual):
    result = fashquick("models", "load", "huge")
    assert result.exit_code == 1
    assert "no server that answers has a model 'huge'; there are tiny, small, large" in result.stderr
    assert "the generation server at 127.0.0.1:1 cannot be reached" in result.stderr


def test_without_any_server_a_model_cannot_be_loaded(usual):
    usual[Service.SEGMENTATION] = "127.0.0.1:1"
    for args in (["load", "tiny"], ["verify"], ["verify", "sd15-4gb"]):
        assert fashquick("models", *args).exit_code == 3


@pytest.fixture
def store(usual, tmp_path, monkeypatch):
    """A store that has all that the own profiles need, where no server runs."""
    usual[Service.SEGMENTATION] = "127.0.0.1:1"
    write_profiles(tmp_path / "own.json")
    write_store(tmp_path / "models")
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
    monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_the_list_says_what_the_store_has(store):
    states = {row["name"]: row["state"] for row in json.loads(fashquick("models", "list", "--json").stdout)["profiles"]}
    assert (states["mine"], states["sd15-4gb"]) == ("complete", "absent")
    (store / "mine" / PACKAGED.files[0].name).unlink()
    states = {row["name"]: row["state"] for row in json.loads(fashquick("models", "list", "--json").stdout)["profiles"]}
    assert states["mine"] == "incomplete"


def test_a_list_of_sums_that_is_wrong_is_told(store):
    (store / "SHA256SUMS").write_text("junk")
    result = fashquick("models", "list")
    assert (result.exit_code, "line 1" in result.stderr) == (0, True)
    assert "unknown" in result.stdout


@pytest.mark.parametrize("args", [["mine"], ["mine", "--store", "{store}"]])
def test_a_profile_is_verified_without_a_server(store, args):
    result = fashquick("models", "verify", *(arg.format(store=store) for arg in args))
    assert result.exit_code == 0, result.output
    assert result.stdout.count("verified") == len(PACKAGED.needed)
    assert "missing (works without)" in result.stdout


def test_what_is_wrong_with_a_profile_is_told_file_by_file(store):
    damaged, gone, other = (store / "mine" / file.name for file in PACKAGED.files[:3])
    damaged.write_bytes(b"X" + damaged.read_bytes()[1:])
    gone.unlink()
    other.write_bytes(b"other")
    sums = (store / "SHA256SUMS").read_text().splitlines(keepends=True)
    sums[2] = f"{hashlib.sha256(b'other').hexdigest()}  mine/{PACKAGED.files[2].name}\n"
    (store / "SHA256SUMS").write_text("".join(sums))
    result = fashquick("models", "verify", "mine", "--store", store)
    assert result.exit_code == 1
    for state in ("damaged", "missing", "another file than the profile's"):
        assert state in result.stdout
    assert "fashquick models pull" in result.stdout
    assert "it is damaged or another file" in result.stderr


def test_verifying_a_store_knows_its_profiles_only(store):
    result = fashquick("models", "verify", "nothing", "--store", store)
    assert (result.exit_code, "no profile 'nothing'" in result.stderr) == (1, True)

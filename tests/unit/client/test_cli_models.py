"""`fashquick models`, against a real server with canned answers."""

import json

import grpc
import pytest

from fashquick_client import cli_models
from tests.support.command import fashquick


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
    listed = json.loads(models(server, "list", "--json").stdout)
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


def test_the_usual_place_is_that_of_fashquick_up():
    assert cli_models.ENDPOINT == "127.0.0.1:7401"

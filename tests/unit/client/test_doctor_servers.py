"""What the doctor says about servers and ports: real servers and real sockets on loopback."""

import asyncio
import contextlib
import importlib.metadata
import json
import os
import socket
import threading
import time
from concurrent import futures

import grpc
import pytest
from typer.testing import CliRunner

from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc
from fashquick_client.cli import app
from fashquick_client.doctor import ports, probe, servers
from fashquick_client.doctor.findings import Level
from fashquick_client.doctor.places import FirstPort, How, Place, first_port_of, places_of
from fashquick_client.doctor.probe import Answer, NoAnswer, Probes, Silence
from fashquick_client.services import Service
from fashquick_common.errors import BadField
from tests.support.servers import toy_stack

VERSION = importlib.metadata.version("fashquick-client")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    """No variable of whoever runs the tests is looked at."""
    for name in list(os.environ):
        if name.upper().startswith("FASHQUICK_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


class InfoServer(server_info_pb2_grpc.ServerInfoServiceServicer):
    """Says of itself what a test wants."""

    def __init__(self, **info):
        self.info = {"service": "orchestrator", "version": VERSION, "ready": True, "process_id": 77} | info
        self.asked = 0

    def GetServerInfo(self, request, context):  # noqa: N802 - the contract's name
        self.asked += 1
        return server_info_pb2.GetServerInfoResponse(**self.info)


@contextlib.contextmanager
def serving(servicer=None):
    """A gRPC server; yields its `host:port`."""
    running = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    if servicer is not None:
        server_info_pb2_grpc.add_ServerInfoServiceServicer_to_server(servicer, running)
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(grace=None).wait()


@contextlib.contextmanager
def listener(answer=b""):
    """A socket that takes connections and answers whatever comes with some bytes; yields its port."""
    connections = []

    def talk(own):
        while True:
            try:
                connection, _ = own.accept()
            except OSError:
                return
            connections.append(connection)
            if answer:
                with contextlib.suppress(OSError):
                    connection.recv(1024)
                    connection.sendall(answer)
                    connection.close()

    with socket.create_server(("127.0.0.1", 0)) as own:
        thread = threading.Thread(target=talk, args=(own,), daemon=True)
        thread.start()
        try:
            yield own.getsockname()[1]
        finally:
            own.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in connections:
                connection.close()


@contextlib.contextmanager
def no_server():
    """A `host:port` that refuses connections; nobody else can get it meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def place(endpoint, service=Service.ORCHESTRATOR, how=How.NAMED):
    return Place(service, endpoint, how)


async def look(*places):
    return await servers.check(places, Probes())


def texts(findings, level=None):
    return [finding.found for finding in findings if level is None or finding.level is level]


def doctor_json(*args):
    result = CliRunner().invoke(app, ["doctor", "--json", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)["findings"]


class TestServers:
    async def test_a_stack_that_runs_is_all_right(self):
        async with toy_stack() as stack:
            places = [place(stack.target(service), service) for service in Service]
            findings = await look(*places)
        assert {finding.level for finding in findings} == {Level.OK}
        for service in Service:
            expected = f"{service} {VERSION} at {stack.target(service)} is ready and answers in "
            assert sum(text.startswith(expected) for text in texts(findings)) == 1
        engines = {"segmentation": stack.segmenter, "features": stack.analyser, "generation": stack.generator}
        for stage, engine in engines.items():
            assert f"{stage} computes with {engine.name} on cpu, digest {engine.digest[:12]}" in texts(findings)
        [limits] = [text for text in texts(findings) if "photos up to" in text]
        assert limits.startswith("orchestrator takes photos up to 32 MiB and 64 megapixels, works at 2048 pixels")

    async def test_a_server_with_limits_of_its_own_says_them(self):
        with (
            serving(InfoServer(limits={"max_file_bytes": 1 << 20, "working_side": 512})) as first,
            serving(InfoServer(service="features", limits={"max_file_bytes": 1 << 20, "working_side": 256})) as second,
        ):
            findings = await look(place(first), place(second, Service.FEATURES))
        assert [text.split(" takes ")[0] for text in texts(findings) if "photos up to" in text] == [
            "orchestrator",
            "features",
        ]

    async def test_digests_devices_and_calls_are_shown(self):
        backends = [{"name": "sam2", "digest": "0123456789abcdef" * 4, "device": "cuda:0"}, {"name": "embedded"}]
        with serving(InfoServer(backends=backends, calls_in_progress=2)) as endpoint:
            found = texts(await look(place(endpoint)))
        assert "orchestrator computes with sam2 on cuda:0, digest 0123456789ab" in found
        assert "orchestrator computes with embedded on an unknown device" in found
        assert any(text.endswith("2 calls in progress") for text in found)

    @pytest.mark.parametrize(
        ("ours", "theirs", "level"),
        [
            ("0.1.0", "0.1.9", Level.OK),
            ("0.1.0", "0.1.0+local", Level.OK),
            ("0.1.0", "0.2.0", Level.PROBLEM),
            ("0.1.0", "1.1.0", Level.PROBLEM),
            ("1.4.0", "1.5.0", Level.NOTE),
            ("1.4.0", "2.4.0", Level.PROBLEM),
            ("0.1.0", "", Level.NOTE),
            ("0.1.0", "latest", Level.NOTE),
            ("0.1.0", "9" * 5000 + ".1", Level.NOTE),
        ],
    )
    async def test_other_versions(self, monkeypatch, ours, theirs, level):
        monkeypatch.setattr("importlib.metadata.version", lambda name: ours)
        with serving(InfoServer(version=theirs)) as endpoint:
            findings = await look(place(endpoint))
        [finding] = [each for each in findings if f"this client {ours}" in each.found or "is version" in each.found]
        assert finding.level is level

    async def test_the_wrong_service_is_a_problem(self):
        with serving(InfoServer(service="features")) as endpoint:
            [finding] = await look(place(endpoint, Service.GENERATION))
        assert finding.level is Level.PROBLEM
        assert f"{endpoint} is the features server, not generation" in finding.found
        assert "--generation-endpoint" in finding.advice

    async def test_one_server_under_two_endpoints_is_noted(self):
        with (
            serving(InfoServer(instance_id="a")) as first,
            serving(InfoServer(service="features", instance_id="a")) as second,
        ):
            findings = await look(place(first), place(second, Service.FEATURES))
        assert texts(findings, Level.NOTE) == [f"{first} and {second} are one and the same server"]
        with serving(InfoServer()) as first, serving(InfoServer(service="features")) as second:
            assert texts(await look(place(first), place(second, Service.FEATURES)), Level.NOTE) == []

    async def test_a_name_that_is_resolved_reaches_one_replica(self):
        with serving(InfoServer()) as endpoint:
            findings = await look(place(f"dns:///localhost:{endpoint.rpartition(':')[2]}"))
        assert texts(findings, Level.PROBLEM) == []

    async def test_an_answer_that_floods_stays_short(self):
        backends = [{"name": "x" * 10_000, "digest": "\x1b[2J"}] * 100
        with serving(InfoServer(version="0.1\x1b[31m" * 10_000, backends=backends)) as endpoint:
            findings = await look(place(endpoint))
        assert len(findings) < 15
        for finding in findings:
            assert len(finding.found) <= 400
            assert "\x1b" not in finding.found

    async def test_every_endpoint_is_asked_once_whoever_asks(self):
        servicer = InfoServer()
        with serving(servicer) as endpoint:
            probes = Probes()
            first, second = await asyncio.gather(probes.ask(endpoint), probes.ask(endpoint))
        assert first is second
        assert servicer.asked == 2  # One for the connection, one for the time.


class TestSilence:
    async def test_nobody_there(self):
        with no_server() as endpoint:
            answer = await Probes().ask(endpoint)
        assert answer == NoAnswer(Silence.NOBODY, "Connection refused")

    async def test_a_name_that_does_not_exist(self):
        answer = await Probes().ask("dns:///nobody.invalid:7400")
        assert isinstance(answer, NoAnswer)
        assert answer.silence in {Silence.NOBODY, Silence.SLOW}

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\x15" * 100, b"SSH-2.0-x\r\n"])
    async def test_another_protocol(self, answer):
        with listener(answer) as port:
            got = await Probes().ask(f"127.0.0.1:{port}")
        assert isinstance(got, NoAnswer)
        assert got.silence is Silence.FOREIGN

    async def test_another_grpc_server(self):
        with serving() as endpoint:
            got = await Probes().ask(endpoint)
        assert got == NoAnswer(Silence.FOREIGN, "it speaks gRPC, but is no fashquick server")

    async def test_a_listener_that_never_answers_costs_no_more_than_the_limit(self, monkeypatch):
        monkeypatch.setattr(probe, "ANSWER_LIMIT_S", 0.3)
        with listener() as port:
            begun = time.monotonic()
            got = await Probes().ask(f"127.0.0.1:{port}")
        assert got == NoAnswer(Silence.SLOW, "no answer within 0.3 seconds")
        assert time.monotonic() - begun < 10

    async def test_a_stage_beside_the_orchestrator_is_only_noted(self):
        with serving(InfoServer()) as endpoint, no_server() as nowhere:
            findings = await look(place(endpoint), place(nowhere, Service.FEATURES, How.BESIDE))
        [finding] = [each for each in findings if each.level is not Level.OK]
        assert finding.level is Level.NOTE
        assert "--features-endpoint" in finding.advice

    async def test_where_the_orchestrator_is_not_its_neighbours_are_not_mentioned(self):
        with no_server() as nowhere, no_server() as beside:
            findings = await look(place(nowhere), place(beside, Service.FEATURES, How.BESIDE))
        assert len(findings) == 1

    async def test_no_server_in_the_usual_layout_is_fine(self):
        with no_server() as nowhere:
            [finding] = await look(*(place(nowhere, service, How.USUAL) for service in Service))
        assert finding.level is Level.OK
        assert "none runs" in finding.found


class TestCommand:
    def test_a_named_orchestrator_that_runs_ends_with_0(self):
        with serving(InfoServer()) as endpoint:
            code, findings = doctor_json("--endpoint", endpoint)
        of_servers = [each for each in findings if each["topic"] == "servers"]
        assert any(f"at {endpoint} is ready" in each["found"] for each in of_servers)
        assert not [each for each in of_servers if each["level"] == "problem"]
        assert code in {0, 1}  # 1 if another program has one of the ports beside it.

    @pytest.mark.parametrize(
        "option", ["--endpoint", "--segmentation-endpoint", "--features-endpoint", "--generation-endpoint"]
    )
    def test_a_named_server_that_cannot_be_reached_ends_with_3(self, option):
        with no_server() as nowhere:
            code, findings = doctor_json(option, nowhere)
        assert code == 3
        [finding] = [each for each in findings if (each["topic"], each["level"]) == ("servers", "problem")]
        assert f"cannot be reached at {nowhere}: Connection refused" in finding["found"]

    def test_it_ends_with_3_whatever_else_is_wrong(self, monkeypatch, tmp_path):
        monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path / "none"))
        with no_server() as nowhere:
            code, findings = doctor_json("--endpoint", nowhere)
        assert {each["topic"] for each in findings if each["level"] == "problem"} >= {"servers", "weights"}
        assert code == 3

    def test_a_server_that_is_not_ready_ends_with_3(self):
        with serving(InfoServer(ready=False)) as endpoint:
            code, findings = doctor_json("--endpoint", endpoint)
        assert code == 3
        assert any("takes no work now" in each["found"] for each in findings if each["level"] == "problem")


class TestPlaces:
    def test_stages_are_sought_beside_the_orchestrator_unless_named(self):
        places = places_of("shop:8000", {Service.FEATURES: "dns:///features:1"})
        assert [(each.service, each.endpoint, each.how) for each in places] == [
            (Service.ORCHESTRATOR, "shop:8000", How.NAMED),
            (Service.SEGMENTATION, "shop:8001", How.BESIDE),
            (Service.FEATURES, "dns:///features:1", How.NAMED),
            (Service.GENERATION, "shop:8003", How.BESIDE),
        ]
        assert {each.how for each in places_of(None, {})} == {How.USUAL}
        assert [each.endpoint for each in places_of("h:65534", {})] == ["h:65534", "h:65535"]

    @pytest.mark.parametrize("endpoint", ["", "x", "x:", ":1", "x:-1", "x:0", "x:65536", "x:1a", "dns:///:1", "x:²"])
    def test_what_is_no_endpoint_is_refused(self, endpoint):
        if endpoint:
            with pytest.raises(BadField):
                places_of(endpoint, {})
        else:
            assert places_of(None, {Service.FEATURES: ""}) == places_of(None, {})

    @pytest.mark.parametrize(
        ("endpoint", "first"),
        [
            (None, ("127.0.0.1", 7400)),
            ("localhost:7410", ("127.0.0.1", 7410)),
            ("[::1]:7410", ("::1", 7410)),
            ("dns:///127.0.0.1:7410", ("127.0.0.1", 7410)),
            ("shop.example:7400", None),
            ("10.0.0.1:7400", None),
            ("localhost:65500", None),
        ],
    )
    def test_ports_are_looked_at_where_servers_could_be_started(self, endpoint, first):
        assert first_port_of(endpoint) == (None if first is None else FirstPort(*first))


class TestPorts:
    async def test_free_ports_are_one_line(self):
        answers = [ports.Port(number, ports.State.FREE) for number in (7400, 7401, 7403, 7500)]
        [finding] = ports.judged(FirstPort("127.0.0.1", 7400), answers)
        assert (finding.level, finding.found) == (Level.OK, "free on 127.0.0.1: 7400-7401, 7403, 7500")

    async def test_a_fashquick_server_and_its_admin_port_are_recognised(self):
        async with toy_stack() as stack:
            server = stack.servers["features"]
            grpc_port = await ports.grpc_port("127.0.0.1", server.port, Probes())
            admin_port = await ports.admin_port("127.0.0.1", server.admin_port)
        assert grpc_port.holder is not None
        assert grpc_port.holder.startswith("features (process ")
        assert admin_port.holder == ""
        assert {finding.level for finding in ports.judged(FirstPort("127.0.0.1", 1), [grpc_port, admin_port])} == {
            Level.OK
        }

    @pytest.mark.parametrize(
        "answer", [b"HTTP/1.1 200 OK\r\n\r\nhello\n", b"x" * 100_000, b"HTTP/1.1 404 No\r\n\r\nalive\n"]
    )
    async def test_another_program_is_a_problem_with_what_to_do(self, answer):
        with listener(answer) as port:
            found = ports.judged(
                FirstPort("127.0.0.1", 7400),
                [await ports.grpc_port("127.0.0.1", port, Probes()), await ports.admin_port("127.0.0.1", port)],
            )
        assert [finding.level for finding in found] == [Level.PROBLEM, Level.PROBLEM]
        for finding in found:
            assert f"port {port} on 127.0.0.1 is taken" in finding.found
            assert "fashquick up --port 7410" in finding.advice
            assert f":{port}'" in finding.advice

    async def test_a_silent_program_costs_no_more_than_the_limit(self, monkeypatch):
        monkeypatch.setattr(ports, "_ADMIN_LIMIT_S", 0.2)
        with listener() as port:
            assert (await ports.admin_port("127.0.0.1", port)).holder is None

    async def test_a_port_that_was_used_a_moment_ago_is_free(self):
        with socket.create_server(("127.0.0.1", 0)) as own:
            port = own.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)):
                own.accept()[0].close()
        assert ports.listening("127.0.0.1", port) == (ports.State.FREE, "")

    async def test_an_address_of_another_machine_is_a_problem(self):
        state, why = ports.listening("192.0.2.1", 7400)
        assert state is ports.State.FORBIDDEN
        [finding] = ports.judged(FirstPort("192.0.2.1", 7400), [ports.Port(7400, state, why=why)])
        assert finding.level is Level.PROBLEM

    async def test_without_stubs_a_taken_port_is_still_a_problem(self):
        with listener() as port:
            got = await ports.grpc_port("127.0.0.1", port, Probes(blocked=True))
        assert got.holder is None
        assert "not asked" in got.why

    def test_the_command_looks_at_the_eight_ports_beside_the_endpoint(self):
        with listener(b"no") as port:
            if port + 103 > 65_535:
                pytest.skip("the port is too high for a layout")
            _, findings = doctor_json("--endpoint", f"127.0.0.1:{port}")
        of_ports = " ".join(each["found"] for each in findings if each["topic"] == "ports")
        assert f"port {port} on 127.0.0.1 is taken" in of_ports


class TestProxies:
    @pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
    async def test_no_proxy_comes_between_callers_and_servers(self, monkeypatch, variable):
        with serving(InfoServer()) as endpoint, no_server() as proxy:
            monkeypatch.setenv(variable, f"http://{proxy}")
            assert isinstance(await Probes().ask(endpoint), Answer)

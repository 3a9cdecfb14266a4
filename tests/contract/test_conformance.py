"""The conformance suite itself: another implementation passes it, a wrong one fails the right tests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import grpc
import pytest

from fashquick.common.v1 import blob_pb2
from fashquick.segmentation.v1 import segmentation_pb2 as pb
from tests.support.other_server import OtherSegmentation, Refusal, other_server

ROOT = Path(__file__).parents[2]
SUITE = "tests/conformance"


def run_suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def failures(server: OtherSegmentation, tests: str, report: Path, info: bool = True) -> set[str]:
    """Run some tests of the suite against a server; return the names of those that failed."""
    with other_server(server, info) as address:
        service = [] if info else ["--service", "segmentation"]
        done = run_suite(tests, "--target", address, *service, f"--junitxml={report}")
    cases = list(ET.parse(report).iter("testcase"))
    assert cases, done.stdout
    failed = {case.attrib["name"] for case in cases if case.find("failure") is not None}
    assert bool(failed) == bool(done.returncode), done.stdout
    return {name.replace("[segmentation]", "").replace("[segmentation-", "[") for name in failed}


def test_another_implementation_of_the_contract_passes(tmp_path: Path) -> None:
    assert failures(OtherSegmentation(), SUITE, tmp_path / "report.xml") == set()


class IgnoresDigests(OtherSegmentation):
    def check_digest(self, blob: blob_pb2.BlobHeader, data: bytes) -> None:
        pass


class AnswersTooEarly(OtherSegmentation):
    def answers(self, requests: Iterator[pb.SegmentRequest], context: grpc.ServicerContext) -> Iterator[Any]:
        context.send_initial_metadata(())
        yield from super().answers(requests, context)


class WaitsForever(OtherSegmentation):
    idle_s = 30.0


class NeverStops(OtherSegmentation):
    def stopped(self, context: grpc.ServicerContext) -> bool:
        return False


class ForgetsAPart(OtherSegmentation):
    def summary(self, headers: list[blob_pb2.BlobHeader]) -> blob_pb2.Summary:
        return blob_pb2.Summary(blobs=headers[:1])


class RefusesWithoutDetails(OtherSegmentation):
    def refuse(self, refusal: Refusal, context: grpc.ServicerContext) -> None:
        context.abort(refusal.code, refusal.message)


UPLOADS, STOPPING, WORK, REFUSALS = (f"{SUITE}/test_{name}.py" for name in ("uploads", "stopping", "work", "refusals"))
# What each does wrong shows in one module: the tests of it that must fail, and no other may.
WRONG: dict[type[OtherSegmentation], tuple[str, set[str]]] = {
    IgnoresDigests: (UPLOADS, {"test_a_bad_upload_is_refused_and_the_next_is_read[another digest]"}),
    AnswersTooEarly: (UPLOADS, {"test_nothing_is_sent_before_the_upload_is_complete"}),
    WaitsForever: (UPLOADS, {"test_an_upload_that_stalls_is_given_up"}),
    NeverStops: (STOPPING, {"test_cancel_stops_the_computation", "test_a_deadline_stops_the_computation"}),
    ForgetsAPart: (WORK, {"test_a_photo_is_answered_with_its_mask"}),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[type[OtherSegmentation], set[str]]:
    """Which tests failed for each wrong server; two run at a time, as they mostly wait."""
    folder = tmp_path_factory.mktemp("verdicts")
    tests = {server: module for server, (module, _) in WRONG.items()} | {RefusesWithoutDetails: REFUSALS}
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {
            server: pool.submit(failures, server(), module, folder / f"{server.__name__}.xml")
            for server, module in tests.items()
        }
        return {server: verdict.result() for server, verdict in running.items()}


@pytest.mark.parametrize("server", WRONG, ids=lambda server: server.__name__)
def test_a_wrong_server_fails_the_test_of_what_it_does_wrong(
    verdicts: dict[type[OtherSegmentation], set[str]], server: type[OtherSegmentation]
) -> None:
    _, expected = WRONG[server]

    assert verdicts[server] == expected


def test_a_server_that_refuses_without_details_fails_every_test_of_refusals(
    verdicts: dict[type[OtherSegmentation], set[str]],
) -> None:
    written = set(re.findall(r"^def (test_\w+)", (ROOT / REFUSALS).read_text(), re.MULTILINE))

    assert {name.partition("[")[0] for name in verdicts[RefusesWithoutDetails]} == written


def test_a_target_that_does_not_answer_is_told_in_one_line() -> None:
    done = run_suite(SUITE, "--target", "127.0.0.1:1")

    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert "127.0.0.1:1 does not answer: UNAVAILABLE" in line


@pytest.mark.parametrize(
    ("service", "words"),
    [("features", "says that it is 'segmentation'"), ("knitting", "there is no contract of 'knitting'")],
)
def test_a_target_that_is_another_service_is_told_in_one_line(service: str, words: str) -> None:
    with other_server(OtherSegmentation()) as address:
        done = run_suite(SUITE, "--target", address, "--service", service)

    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert words in line


def test_a_target_that_does_not_say_what_it_is_is_asked_for() -> None:
    with other_server(OtherSegmentation(), info=False) as address:
        done = run_suite(SUITE, "--target", address)

    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert "--service" in line


def test_a_server_without_server_info_is_tested_as_what_it_is_said_to_be(tmp_path: Path) -> None:
    tests = f"{SUITE}/test_server.py"

    failed = failures(OtherSegmentation(), tests, tmp_path / "report.xml", info=False)

    assert failed == {"test_it_says_what_it_is"}


def test_make_runs_the_suite_against_the_target_given() -> None:
    def make(*variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "-n", "conformance", *variables], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert (
        f'-m pytest {SUITE} --target "host:1" --service "features"' in make("TARGET=host:1", "SERVICE=features").stdout
    )
    nothing = make()
    assert nothing.returncode != 0
    assert "TARGET" in nothing.stderr

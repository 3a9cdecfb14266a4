"""The server under test, known by nothing but its address and its contract."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fashquick.common.v1 import limits_pb2, server_info_pb2, server_info_pb2_grpc
from fashquick_common import errors
from fashquick_common.rpc.blobs import make_blob
from tests.conformance.contracts import CONTRACTS

ANSWER_S = 5.0  # For what takes no computing.
CALL_S = 100.0  # For what does.
STILL_S = 0.4  # Without a step in it: ours does one at least every 50 ms.
STOP_S = 0.8  # Within which a computation must have stopped.
_HOLD_S = 30.0
# What docs/protocol.md promises of a server that does not say.
_USUAL_LIMITS = limits_pb2.Limits(
    max_file_bytes=32 * 1024 * 1024,
    max_pixels=64_000_000,
    min_side=64,
    working_side=2048,
    max_chunk_bytes=1024 * 1024,
    max_parts=8,
    upload_idle_seconds=15,
)


@dataclass(frozen=True)
class Outcome:
    """How a call ended.

    Attributes:
        answers: Everything that was answered.
        code: The gRPC status.
        message: Its words.
        trailers: What came with it.
    """

    answers: list[Any]
    code: grpc.StatusCode
    message: str
    trailers: dict[str, str | bytes]

    @property
    def status(self) -> status_pb2.Status:
        """The status with its details."""
        data = self.trailers.get("grpc-status-details-bin")
        assert isinstance(data, bytes), f"{self.code.name} came without grpc-status-details-bin: {self.message!r}"
        return status_pb2.Status.FromString(data)


class Call:
    """A call in progress, its answers collected in the background."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._ended = threading.Event()
        self.begun = threading.Event()  # Whether the server has sent anything.
        self.answers: list[Any] = []
        for work in (self._await_begin, self._collect):
            threading.Thread(target=work, daemon=True).start()

    def _await_begin(self) -> None:
        self._call.initial_metadata()
        self.begun.set()

    def _collect(self) -> None:
        try:
            for answer in self._call:
                self.answers.append(answer)
        except grpc.RpcError:
            pass  # Read from the call itself.
        finally:
            self._ended.set()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        self._call.cancel()

    def outcome(self, seconds: float = CALL_S) -> Outcome:
        """Wait for the end."""
        assert self._ended.wait(seconds), f"the call has not ended within {seconds:g} s"
        trailers = dict(self._call.trailing_metadata() or ())
        return Outcome(self.answers, self._call.code(), self._call.details() or "", trailers)


class HeldUpload:
    """Messages that are sent at once, and a side that stays open until it is released."""

    def __init__(self, messages: Iterable[Any]) -> None:
        self._messages = list(messages)
        self._sent = threading.Event()
        self._released = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        yield from self._messages
        self._sent.set()
        self._released.wait(_HOLD_S)

    def wait_sent(self) -> None:
        assert self._sent.wait(ANSWER_S), "the server does not take the messages"

    def release(self) -> None:
        self._released.set()


class Target:
    """A server, asked over one channel.

    Attributes:
        address: host:port.
        contract: What it promises.
        limits: What it accepts.
    """

    def __init__(self, address: str, service: str | None = None) -> None:
        """Connect, and ask the server which service it is unless it is said.

        Raises:
            NotUsable: It does not answer, or does not say which service it is, or is another one.
        """
        self.address = address
        self._channel = grpc.insecure_channel(address, [("grpc.enable_retries", 0)])
        said = self._ask()
        name = service or (said.service if said else "")
        if not name:
            raise NotUsable(f"{address} does not have ServerInfoService; say what it is: --service segmentation")
        if name not in CONTRACTS:
            raise NotUsable(f"{address}: there is no contract of {name!r}, only of {', '.join(CONTRACTS)}")
        if said and said.service != name:
            raise NotUsable(f"{address} says that it is {said.service!r}, not {name!r}")
        self.contract = CONTRACTS[name]
        self.has_info = said is not None
        self.limits = said.limits if said else _USUAL_LIMITS

    def _ask(self) -> server_info_pb2.GetServerInfoResponse | None:
        try:
            return self.info()
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise NotUsable(f"{self.address} does not answer: {error.code().name}: {error.details()}") from None

    def close(self) -> None:
        self._channel.close()

    def info(self) -> server_info_pb2.GetServerInfoResponse:
        stub = server_info_pb2_grpc.ServerInfoServiceStub(self._channel)
        return stub.GetServerInfo(server_info_pb2.GetServerInfoRequest(), timeout=ANSWER_S)

    def health(self, service: str = "") -> int:
        stub = health_pb2_grpc.HealthStub(self._channel)
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=ANSWER_S).status

    def start(self, messages: Iterable[Any], timeout: float = CALL_S, metadata: Sequence[tuple[str, str]] = ()) -> Call:
        """Begin a call. A unary answer is read as a stream of one message: on the wire they are the same."""
        method = self._channel.stream_stream(
            f"/{self.contract.full_name}/{self.contract.method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.contract.response.FromString,
        )
        return Call(method(iter(messages), timeout=timeout, metadata=metadata))

    def call(
        self, messages: Iterable[Any], timeout: float = CALL_S, metadata: Sequence[tuple[str, str]] = ()
    ) -> Outcome:
        """Make a whole call."""
        return self.start(messages, timeout, metadata).outcome(timeout + ANSWER_S)

    def require_info(self) -> None:
        """Skip a test that looks at what the server says about its work."""
        if not self.has_info:
            pytest.skip("the server does not have ServerInfoService")

    def check_idle(self) -> None:
        """Wait until no call is in progress, where the server tells."""
        if self.has_info:
            wait_until(lambda: self.info().calls_in_progress == 0, "calls_in_progress to be 0")

    def check_computes_nothing(self) -> None:
        """See that the computing ends at once, not when there is nothing left to compute."""
        end = time.monotonic() + STOP_S
        before = self.info().compute_steps
        while True:
            time.sleep(STILL_S)  # What must not happen cannot be waited for.
            now = self.info().compute_steps
            if now == before:
                return
            assert time.monotonic() < end, f"{now - before} compute steps were done in {STILL_S:g} s that nobody wants"
            before = now

    def check_works(self) -> None:
        """See that the server is well: calls are forgotten, and another upload is read to its end and understood."""
        assert self.health() == health_pb2.HealthCheckResponse.SERVING
        self.check_idle()
        words = make_blob("photo", b"This is not a picture.\n" * 40)
        outcome = self.call(self.contract.rpc.messages(self.contract.blobs(words)), ANSWER_S)
        assert errors.NotAnImage.reason in str(outcome.status), "afterwards the server does not read an upload"


class NotUsable(Exception):
    """There is nothing to test at this address."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = ANSWER_S) -> None:
    """Return as soon as the condition holds; fail when it does not within the time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.01)

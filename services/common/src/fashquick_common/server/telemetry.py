"""Log lines and metrics, both bound to the request id."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

# Seconds. From a mask of a small photo to a picture on a busy laptop.
_SECONDS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)


def configure_logging(log_format: Literal["json", "text"], level: str, service: str) -> None:
    """Send structured lines to stderr; each carries the service's name and the bound request id."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    # Lines of other libraries, Pillow's warnings about broken metadata among them.
    logging.captureWarnings(True)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if log_format == "json" else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def name_call(request_id: str) -> None:
    """Put an id into the log lines of the call that is being handled, in the place of the one it began with."""
    structlog.contextvars.bind_contextvars(request_id=request_id)


def call_name() -> str:
    """Return the id that the log lines of the call being handled carry."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


class Metrics:
    """Prometheus metrics of one server, in a registry of their own so that tests can run several servers.

    Attributes:
        registry: What the admin port exposes.
        calls: Finished calls by method, gRPC status and reason.
        call_seconds: Duration of calls by method.
        compute_seconds: Duration of computations in the compute thread.
        upload_bytes: Bytes of verified uploads.
        compute_steps: Steps of computations; stands still when idle.
        calls_in_progress: Calls being handled, by method.
        waiting: Calls waiting for the compute thread, by priority.
        batch_calls: Calls answered by one computation.
        bytes_taken: Bytes reserved by uploads.
    """

    def __init__(self) -> None:
        """Register all metrics."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.calls = Counter(
            "fashquick_calls", "Finished calls", ["method", "status", "reason"], registry=self.registry
        )
        self.call_seconds = Histogram(
            "fashquick_call_seconds", "Duration of calls", ["method"], buckets=_SECONDS_BUCKETS, registry=self.registry
        )
        self.compute_seconds = Histogram(
            "fashquick_compute_seconds",
            "Duration of computations",
            buckets=_SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.upload_bytes = Counter("fashquick_upload_bytes", "Bytes of verified uploads", registry=self.registry)
        self.compute_steps = Counter(
            "fashquick_compute_steps", "Steps of computations; stands still when idle", registry=self.registry
        )
        self.calls_in_progress = Gauge(
            "fashquick_calls_in_progress", "Calls being handled", ["method"], registry=self.registry
        )
        self.waiting = Gauge(
            "fashquick_waiting_calls", "Calls waiting for the compute thread", ["priority"], registry=self.registry
        )
        self.batch_calls = Histogram(
            "fashquick_batch_calls",
            "Calls answered by one computation",
            buckets=_BATCH_BUCKETS,
            registry=self.registry,
        )
        self.bytes_taken = Gauge("fashquick_bytes_taken", "Bytes reserved by uploads", registry=self.registry)

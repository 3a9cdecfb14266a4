"""Channels to fashquick servers: the options that every caller uses."""

from __future__ import annotations

import grpc

# Transparent retry is off: it silently stops at 256 KiB, and whoever holds the bytes retries whole calls.
# Servers end connections by age, so a name that resolves to several addresses is balanced anew.
CHANNEL_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.enable_retries", 0),
    ("grpc.lb_policy_name", "round_robin"),
    # gRPC would send even calls to 127.0.0.1 through the proxy of http_proxy; servers are on this machine or on a
    # private network, which no proxy leads to.
    ("grpc.enable_http_proxy", 0),
    # A name is asked for again whenever a connection ends. gRPC's least time between two questions, 30 s, is longer
    # than a rolling restart takes to replace every address that was known.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    # A server that comes back is found within seconds; gRPC's own pauses grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 3_000),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


def open_channel(target: str) -> grpc.aio.Channel:
    """Open a channel to `host:port` or `dns:///name:port`, without TLS. Connects at the first call."""
    return grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)

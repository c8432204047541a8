"""Options of a client: where the server is, how to trust it, how long to wait, what to repeat.

Units are in the names; every time is in milliseconds. The members and their defaults are those of
client/cpp/options.h. Wrong values raise BadRequest, which names the member.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Callable
from typing import Any

from .generated.codes import BadRequest

DEFAULT_PORT = 7377
UNIX_PATH_BYTES_MAX = 107  # sockaddr_un, less the final zero


class Transport(enum.Enum):
    TCP = "tcp"
    UNIX = "unix"
    TLS = "tls"


class Retry(enum.Enum):
    """When a call may be sent again."""

    SAFE = "safe"  # if no byte of it was sent, or the command is marked idempotent
    NEVER = "never"  # one attempt
    ALWAYS = "always"  # the caller knows that doing it twice is the same as doing it once


class Circuit(enum.Enum):
    """Whether the server is believed to be reachable."""

    CLOSED = "closed"  # yes: calls go out
    OPEN = "open"  # no: calls fail at once until the delay is over
    HALF_OPEN = "half-open"  # the delay is over: the next call tries


@dataclasses.dataclass(frozen=True)
class Address:
    transport: Transport
    host: str = ""  # of TCP and TLS; an IPv6 address without its brackets
    port: int = DEFAULT_PORT
    path: str = ""  # of a Unix socket

    def __str__(self) -> str:
        if self.transport is Transport.UNIX:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls://' if self.transport is Transport.TLS else ''}{host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class TlsOptions:
    """How the server of a tls:// address is recognised.

    With nothing set, its certificate must chain to the system's authorities and name the host.
    """

    ca_file: str = ""  # PEM; the chain must end at one of these instead
    pinned_sha256: str = ""  # 64 hex digits: SHA-256 of the certificate in DER form. It takes the
    #                          place of chain and name. Colons are allowed.
    server_name: str = ""  # the name to ask for and to verify; empty: the host of the address
    insecure: bool = False  # verify nothing: for experiments on one machine


@dataclasses.dataclass(frozen=True)
class ReconnectOptions:
    """Delay before the n-th attempt: first * 2^(n-1), at most max, less a random half of it."""

    first_delay_ms: int = 50
    max_delay_ms: int = 5_000
    failures_to_open: int = 5  # after so many failures in a row the circuit opens
    jitter_seed: int = 0  # 0: from the system


@dataclasses.dataclass(frozen=True)
class PoolOptions:
    connections_max: int = 8
    wait_ms: int = 1_000  # how long to wait for room when every connection is full
    window: int = 1_024  # unanswered requests of one connection; the server reads no more


@dataclasses.dataclass(frozen=True)
class Options:
    address: str = "127.0.0.1:7377"
    access_key: str = dataclasses.field(default="", repr=False)  # AUTH on each new connection
    client_name: str = ""  # sent with HELLO on each new connection, when not empty
    tls: TlsOptions = TlsOptions()
    connect_timeout_ms: int = 2_000  # TCP, TLS, AUTH and HELLO together
    request_timeout_ms: int = 5_000
    reconnect: ReconnectOptions = ReconnectOptions()
    pool: PoolOptions = PoolOptions()
    attempts_max: int = 3  # of one call, the first included; see Retry
    response_bytes_max: int = 64 * 1024 * 1024
    fail_open: bool = False  # fetch_or_compute computes when the server cannot answer
    keepalive_ms: int = 60_000  # PING on the connection of the subscriptions when it is quiet
    # Messages that no subscription and no stream asked for.
    on_notification: Callable[[str, list[Any]], None] | None = None

    def __post_init__(self) -> None:
        parse_address(self.address)
        for name in ("connect_timeout_ms", "request_timeout_ms", "attempts_max",
                     "response_bytes_max", "keepalive_ms"):
            _positive(name, getattr(self, name))
        for name in ("first_delay_ms", "failures_to_open"):
            _positive(f"reconnect.{name}", getattr(self.reconnect, name))
        for name in ("connections_max", "wait_ms", "window"):
            _positive(f"pool.{name}", getattr(self.pool, name))
        if self.reconnect.max_delay_ms < self.reconnect.first_delay_ms:
            raise BadRequest("reconnect.max_delay_ms is below reconnect.first_delay_ms")
        if self.tls.pinned_sha256:
            pin_bytes(self.tls.pinned_sha256)


@dataclasses.dataclass(frozen=True)
class CallOptions:
    timeout_ms: int | None = None  # of all attempts together; None: Options.request_timeout_ms
    retry: Retry = Retry.SAFE


def _positive(name: str, value: int) -> None:
    if value <= 0:
        raise BadRequest(f"{name} is {value} and must be above 0")


def pin_bytes(text: str) -> bytes:
    digits = text.replace(":", "")
    if not re.fullmatch(r"[0-9a-fA-F]*", digits):
        raise BadRequest("tls.pinned_sha256 has a character that is no hex digit")
    if len(digits) != 64:
        raise BadRequest(f"tls.pinned_sha256 has {len(digits)} hex digits and needs 64")
    return bytes.fromhex(digits)


def parse_address(text: str) -> Address:
    """"host:port", "[::1]:port", "host" (port 7377), "unix:/path", "tls://host:port"."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        path = path[2:] if path.startswith("//") else path
        if not 1 <= len(path.encode()) <= UNIX_PATH_BYTES_MAX:
            raise BadRequest("the path of a Unix socket has 1 to 107 bytes")
        return Address(Transport.UNIX, path=path)
    transport = Transport.TLS if text.startswith("tls://") else Transport.TCP
    host, port = _host_and_port(text.removeprefix("tls://").removeprefix("tcp://"))
    return Address(transport, host, port)


def _host_and_port(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed:
            raise BadRequest(f"address '{text}' has no closing bracket")
        if rest and not rest.startswith(":"):
            raise BadRequest(f"address '{text}' has text between the host and its port")
    else:
        host, colon, port = text.partition(":")
        rest = colon + port
        if ":" in port:
            raise BadRequest(f"an IPv6 address stands in brackets: [{text}]:{DEFAULT_PORT}")
    if not host:
        raise BadRequest(f"address '{text}' names no host; use host:port, unix:/path or "
                         "tls://host:port")
    return host, _port(rest[1:]) if rest else DEFAULT_PORT


def _port(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65_535:
        return int(text)
    raise BadRequest(f"port '{text}' is not a number from 1 to 65535")

"""Errors of every call: one class for each code of the protocol, in three families.

    Error
      CallerError     the request has to be changed
      TransientError  the same request may succeed later
      ServerError     somebody has to look, or to find out what happened

The classes themselves (BadRequest, NotFound, Unavailable ...) are generated from commands.json and
stand in reprise/generated/codes.py. Unavailable, Timeout, Busy, Corrupt and UnknownOutcome are also
made by the client itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class Error(Exception):
    """`code` is for programs, `message` for people, `details` a map that may be empty."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message, self.details), self.__dict__)


class CallerError(Error):
    """The request has to be changed; sending it again gives the same error."""


class TransientError(Error):
    """The same request may succeed later."""


class UpstreamFailed(TransientError):
    """The upstream failed for another caller, who asked (`error_ttl_ms`) to leave it alone."""

    code = "upstream_failed"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None,
                 retry_after_ms: int = 0) -> None:
        super().__init__(message, details)
        self.retry_after_ms = retry_after_ms


class ServerError(Error):
    """The server, or the way to it, failed."""

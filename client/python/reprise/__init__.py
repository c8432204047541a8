"""Reprise: a response cache for LLM bots. Blocking (`Client`) and asyncio (`AsyncClient`)."""

from .aio.client import AsyncClient, AsyncPipeline
from .client import Client, Pipeline
from .errors import CallerError, Error, ServerError, TransientError, UpstreamFailed
from .generated import codes
from .generated.codes import (BadRequest, Busy, Corrupt, Exists, Forbidden, Internal, Io, NotFound,
                              ReadOnly, ShuttingDown, Timeout, TooLarge, Unauthenticated,
                              Unavailable, UnknownCommand, UnknownOutcome, WrongType)
from .generated.fetch_options import FetchOptions
from .options import (CallOptions, Circuit, Options, PoolOptions, ReconnectOptions, Retry,
                      TlsOptions)
from .single_flight import Answer, Outcome

__all__ = [
    "Answer", "AsyncClient", "AsyncPipeline", "BadRequest", "Busy", "CallOptions", "CallerError",
    "Circuit", "Client", "Corrupt", "Error", "Exists", "FetchOptions", "Forbidden", "Internal",
    "Io", "NotFound", "Options", "Outcome", "Pipeline", "PoolOptions", "ReadOnly",
    "ReconnectOptions", "Retry", "ServerError", "ShuttingDown", "Timeout", "TlsOptions", "TooLarge",
    "TransientError", "Unauthenticated", "Unavailable", "UnknownCommand", "UnknownOutcome",
    "UpstreamFailed", "WrongType", "codes",
]

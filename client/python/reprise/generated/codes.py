"""One class for each error code.

Generated from client/commands.json by generate.py; do not edit.
"""

from ..errors import CallerError, Error, ServerError, TransientError


class BadRequest(CallerError):
    """The request is malformed or an argument is invalid."""

    code = "bad_request"


class TooLarge(CallerError):
    """A documented limit was exceeded; the message names it."""

    code = "too_large"


class WrongType(CallerError):
    """The key holds another kind of value."""

    code = "wrong_type"


class UnknownCommand(CallerError):
    """No command has this name."""

    code = "unknown_command"


class Unauthenticated(CallerError):
    """The connection has not authenticated, or the access key is not valid."""

    code = "unauthenticated"


class Forbidden(CallerError):
    """The access key lacks the permission that the command needs."""

    code = "forbidden"


class NotFound(CallerError):
    """What the request names does not exist."""

    code = "not_found"


class Exists(CallerError):
    """What the request creates exists already."""

    code = "exists"


class Busy(TransientError):
    """A queue is full; retry with back-off."""

    code = "busy"


class Timeout(TransientError):
    """The deadline passed before the work began; nothing was done."""

    code = "timeout"


class ReadOnly(TransientError):
    """The store refuses writes (disk full or a failed write); reads work. Retry later."""

    code = "read_only"


class ShuttingDown(TransientError):
    """The server is stopping; connect again to the next one."""

    code = "shutting_down"


class Unavailable(TransientError):
    """The server cannot be reached or is not ready yet; retry with back-off."""

    code = "unavailable"


class Io(ServerError):
    """Storage failed to read or write."""

    code = "io"


class Corrupt(ServerError):
    """Stored bytes failed a check; nothing was returned."""

    code = "corrupt"


class UnknownOutcome(ServerError):
    """The write may or may not have been applied; read before you repeat it."""

    code = "unknown_outcome"


class Internal(ServerError):
    """The server broke a promise to itself."""

    code = "internal"


BY_CODE: dict[str, type[Error]] = {
    "bad_request": BadRequest,
    "too_large": TooLarge,
    "wrong_type": WrongType,
    "unknown_command": UnknownCommand,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "exists": Exists,
    "busy": Busy,
    "timeout": Timeout,
    "read_only": ReadOnly,
    "shutting_down": ShuttingDown,
    "unavailable": Unavailable,
    "io": Io,
    "corrupt": Corrupt,
    "unknown_outcome": UnknownOutcome,
    "internal": Internal,
}

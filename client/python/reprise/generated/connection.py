"""Typed methods of the connection commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, ListR, MapR, given
from ..options import CallOptions


class ConnectionCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The connection commands."""

    def client_kill(self, id: int, *, call: CallOptions | None = None) -> BoolR:
        """Closes the connection with this id.

        id: as CLIENT.LIST shows it
        Result: true; false when there is none.
        """
        return self._call("CLIENT.KILL", [id], {}, call)

    def client_list(self, *, call: CallOptions | None = None) -> ListR:
        """The open connections, oldest first.

        Result: [{id, peer, transport, namespace, client, age_ms, idle_ms, calls, unsent_bytes,
        in_flight}, ...].
        """
        return self._call("CLIENT.LIST", [], {}, call)

    def echo(self, value: Any, *, call: CallOptions | None = None) -> AnyR:
        """Gives back its argument, byte for byte.

        value: any MessagePack value; it is given back as it came
        Result: the value.
        """
        return self._call("ECHO", [value], {}, call)

    def ping(self, payload: Any = None, *, call: CallOptions | None = None) -> AnyR:
        """Answers PONG, or the payload when there is one.

        payload: given back as it came
        Result: "PONG", or the payload.
        """
        return self._call("PING", [*given(payload)], {}, call)

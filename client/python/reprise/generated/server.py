"""Typed methods of the server commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, ListR, MapR, given
from ..options import CallOptions


class ServerCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The server commands."""

    def backup(self, name: str, *, call: CallOptions | None = None) -> MapR:
        """Makes a consistent copy in the backup directory and opens it to prove that it can be
        read.

        name: a new name: letters, digits, dot, dash, underscore; it begins with a letter, digit or
            underscore
        Result: {path, sequence, rows, bytes}.
        """
        return self._call("BACKUP", [name], {}, call)

    def command_docs(self, name: str | None = None, *, call: CallOptions | None = None) -> ListR:
        """The row of one command, or of all: arguments, options, result, errors, examples.

        name: in any case; all commands when not given
        Result: [{name, family, summary, complexity, since, flags, args, options, result, errors,
        examples}, ...].
        """
        return self._call("COMMAND.DOCS", [*given(name)], {}, call)

    def command_list(self, *, call: CallOptions | None = None) -> ListR:
        """The names of all commands.

        Result: [name, ...].
        """
        return self._call("COMMAND.LIST", [], {}, call)

    def config_get(self, prefix: str | None = None, *, call: CallOptions | None = None) -> MapR:
        """The configuration in force, or the part whose names begin with a prefix.

        prefix: as in `cache.`; `*` stands for any text: `cache.types.*.ttl`
        Result: {name: value as text, ...}.
        """
        return self._call("CONFIG.GET", [*given(prefix)], {}, call)

    def config_set(self, name: str, value: Any, *, call: CallOptions | None = None) -> BoolR:
        """Changes a setting while running, until the next restart; the file is not written.

        name: as CONFIG.GET shows it
        value: a text, number or bool; 64MiB and 30s work for bytes and milliseconds; of a list: an
            array of texts, or one text with commas between them
        Result: true.
        """
        return self._call("CONFIG.SET", [name, value], {}, call)

    def flush(self, *, call: CallOptions | None = None) -> MapR:
        """Removes all keys and cache entries of the namespace.

        Result: {entries}: how many cache entries went.
        """
        return self._call("FLUSH", [], {}, call)

    def info(self, section: str | None = None, *, call: CallOptions | None = None) -> MapR:
        """The state of the server: versions, clients, storage, cache, semantic tier, money, limits,
        jobs, process.

        section: server, clients, store, cache, semantic, spend, limits or process; all when not
            given
        Result: {section: {field: value}}.
        """
        return self._call("INFO", [*given(section)], {}, call)

    def key_create(
            self, namespace: str, *, permissions: Sequence[str] | None = None,
            label: str | None = None, call: CallOptions | None = None) -> MapR:
        """Makes an access key for a namespace. Its text is shown this once. With the first key,
        every connection must AUTH.

        namespace: where the key's bots read and write
        permissions: of read, write, admin; read and write when not given. admin is server-wide, for
            all namespaces, and does not include read and write
        label: a name for KEY.LIST
        Result: {id, key, namespace, permissions}.
        """
        return self._call(
                "KEY.CREATE", [namespace], {"permissions": permissions, "label": label}, call)

    def key_del(self, id: str, *, call: CallOptions | None = None) -> BoolR:
        """Revokes an access key; connections that use it are refused from their next request on.

        id: as KEY.LIST shows it
        Result: true.
        """
        return self._call("KEY.DEL", [id], {}, call)

    def key_list(self, *, call: CallOptions | None = None) -> ListR:
        """The access keys, oldest first, without their secrets.

        Result: [{id, namespace, permissions, label, created_at_ms}, ...].
        """
        return self._call("KEY.LIST", [], {}, call)

    def namespace_create(self, name: str, *, call: CallOptions | None = None) -> MapR:
        """Makes a namespace: a tenant that shares nothing with the others.

        name: letters, digits, dot, dash, underscore
        Result: {name, id}.
        """
        return self._call("NAMESPACE.CREATE", [name], {}, call)

    def namespace_del(self, name: str, *, call: CallOptions | None = None) -> BoolR:
        """Removes a namespace, its access keys and all its data.

        name: not `default`, which FLUSH empties
        Result: true.
        """
        return self._call("NAMESPACE.DEL", [name], {}, call)

    def namespace_list(self, *, call: CallOptions | None = None) -> ListR:
        """All namespaces, by name.

        Result: [{name, id, created_at_ms, entries}, ...].
        """
        return self._call("NAMESPACE.LIST", [], {}, call)

    def save(self, *, call: CallOptions | None = None) -> MapR:
        """Waits until everything that was acknowledged is on the medium.

        Result: {sequence}: the last write that is safe.
        """
        return self._call("SAVE", [], {}, call)

    def shutdown(self, *, call: CallOptions | None = None) -> BoolR:
        """Stops the server gracefully: what was accepted is finished, everything is put on the
        medium.

        Result: true.
        """
        return self._call("SHUTDOWN", [], {}, call)

    def slowlog(
            self, *, limit: int | None = None, reset: bool | None = None,
            call: CallOptions | None = None) -> ListR:
        """Commands that took longer than log.slow_micros, newest first; arguments are never kept.

        limit: most entries; 32 when not given
        reset: empty the log afterwards
        Result: [{id, time_ms, command, duration_micros, namespace, peer, request_bytes}, ...].
        """
        return self._call("SLOWLOG", [], {"limit": limit, "reset": reset}, call)

    def stats(self, *, call: CallOptions | None = None) -> MapR:
        """Calls, errors and latency of each command that was called since the server started.

        Result: {name: {calls, errors, mean_micros, p50_micros, p99_micros, p999_micros}, ...}.
        """
        return self._call("STATS", [], {}, call)

    def verify(self, *, call: CallOptions | None = None) -> MapR:
        """Reads every row and every checksum of the data directory.

        Result: {rows, bytes, bad_rows, problems: [text, ...]}.
        """
        return self._call("VERIFY", [], {}, call)

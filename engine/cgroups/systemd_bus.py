"""systemd's manager over D-Bus (org.freedesktop.systemd1(5)): transient units started, changed and stopped."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.errors import RuntimeFailure, Unsupported

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

Property = tuple[str, tuple[str, Any]]  # a name, and a value with its D-Bus signature

_NAME, _PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
_MANAGER = "org.freedesktop.systemd1.Manager"
_SECONDS = 30.0
_NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit"
_UNIT_EXISTS = "org.freedesktop.systemd1.UnitExists"


class Refused(RuntimeFailure):
    """systemd's no.

    Attributes:
        name: of the D-Bus error, such as ``org.freedesktop.systemd1.NoSuchUnit``.
    """

    def __init__(self, method: str, name: str, message: str) -> None:
        super().__init__(f"systemd refuses {method}: {message}", "see what it says with: journalctl -b -u init.scope")
        self.name = name


class Manager:
    """A connection to systemd."""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection

    def call(self, method: str, signature: str, *arguments: Any, path: str = _PATH, interface: str = _MANAGER) -> Any:
        """Call a method; the first value of the answer.

        Raises:
            Refused: the answer is an error.
        """
        import jeepney

        address = jeepney.DBusAddress(path, _NAME, interface)
        message = jeepney.new_method_call(address, method, signature, arguments)
        reply = self._connection.send_and_get_reply(message, timeout=_SECONDS)
        if reply.header.message_type == jeepney.MessageType.error:
            name = reply.header.fields[jeepney.HeaderFields.error_name]
            raise Refused(method, name, reply.body[0] if reply.body else name)
        return reply.body[0] if reply.body else None

    def run_job(self, method: str, signature: str, *arguments: Any) -> str:
        """Call a method that starts a job, and wait for its end; its result, ``done`` if all is well.

        Raises:
            Refused: the answer is an error.
        """
        import jeepney

        rule = jeepney.MatchRule(type="signal", interface=_MANAGER, member="JobRemoved", path=_PATH)
        self._connection.send_and_get_reply(jeepney.message_bus.AddMatch(rule), timeout=_SECONDS)
        self.call("Subscribe", "")
        with self._connection.filter(rule, bufsize=1000) as removed:
            job = self.call(method, signature, *arguments)
            deadline = time.monotonic() + _SECONDS
            while True:
                signal = self._connection.recv_until_filtered(removed, timeout=deadline - time.monotonic())
                _, path, _, result = signal.body
                if path == job:
                    return str(result)

    def start_transient(self, unit: str, properties: Sequence[Property]) -> str:
        """Start a unit that has no file; the result as of `run_job`."""
        return self.run_job("StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", list(properties), [])

    def control_group(self, unit: str) -> str:
        """The cgroup of a scope, below the top of the hierarchy."""
        path = self.call("GetUnit", "s", unit)
        properties = "org.freedesktop.DBus.Properties"
        scope = "org.freedesktop.systemd1.Scope"
        return str(self.call("Get", "ss", scope, "ControlGroup", path=path, interface=properties)[1])


def start(unit: str, properties: Sequence[Property]) -> str:
    """Start a transient unit; the path of its cgroup.

    Raises:
        Unsupported: there is no bus to reach systemd by.
        RuntimeFailure: systemd refuses, or doesn't answer.
    """
    with _manager() as manager:
        try:
            result = manager.start_transient(unit, properties)
        except Refused as error:
            if error.name != _UNIT_EXISTS:
                raise
            manager.call("ResetFailedUnit", "s", unit)  # of an earlier container that ended badly
            result = manager.start_transient(unit, properties)
        if result != "done":
            raise RuntimeFailure(f"systemd didn't start {unit} ({result})", f"see: journalctl -b -u {unit}")
        return manager.control_group(unit)


def set_properties(unit: str, properties: Sequence[Property]) -> None:
    """Change a running unit until the next boot.

    Raises:
        BoxdeckError: as `start`.
    """
    with _manager() as manager:
        manager.call("SetUnitProperties", "sba(sv)", unit, True, list(properties))


def stop(unit: str) -> None:
    """Stop a unit and forget it; one that isn't there is fine.

    Raises:
        BoxdeckError: as `start`.
    """
    with _manager() as manager:
        with _fine_if_gone():
            manager.run_job("StopUnit", "ss", unit, "replace")
        with _fine_if_gone():
            manager.call("ResetFailedUnit", "s", unit)


@contextlib.contextmanager
def _fine_if_gone() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        if error.name != _NO_SUCH_UNIT:
            raise


@contextlib.contextmanager
def _manager() -> Iterator[Manager]:
    from jeepney.io.blocking import open_dbus_connection

    try:
        connection = open_dbus_connection(bus="SYSTEM", auth_timeout=_SECONDS)
    except OSError as error:
        raise Unsupported(
            f"systemd can't be reached, there is no system bus ({error.strerror})", "start dbus, or use cgroupfs"
        ) from error
    with connection:
        try:
            yield Manager(connection)
        except (TimeoutError, OSError) as error:
            raise RuntimeFailure("systemd doesn't answer", "see what it does with: systemctl list-jobs") from error

"""The recorder: one process that notes once a second what every container of a root uses.

Each container has a file of its own (`engine.runtime.history_file`), which outlives it. The recorder is a child of one
of the shims and ends with it; then another shim makes a new one (`engine.runtime.recording`). That each shim recorded
for itself would cost ten times as much: waking up is by far the dearest part of it.

Records are found by wall clock time, and rates are by the monotonic clock, so that a clock that is set makes none
wrong.

As it wakes up anyway, it also looks whether who answers questions for names was killed (`engine.runtime.names_keeper`).
"""

from __future__ import annotations

import os
import resource
import signal
import time
from typing import NoReturn

from msgspec import Struct

from engine.linux import prctl
from engine.linux.descriptors import close_all_but
from engine.runtime import names_keeper, traffic
from engine.runtime.status import read
from engine.runtime.tape import Tape
from engine.runtime.traffic import Interfaces

NAME = "boxdeck-record"
_SLACK_NS = 20_000_000  # the kernel may wake us so much later, together with others
_SHORTEST_PAUSE_SECONDS = 0.1
_AFTER_FAILURE_SECONDS = 60.0


class Places(Struct, frozen=True):
    """Where containers of a root are.

    Attributes:
        runtimes: the folder of run-time folders.
        histories: the folder of the files that are written.
        cgroups: the cgroup that theirs are in.
        names: the lock of who answers questions for names.
    """

    runtimes: str
    histories: str
    cgroups: str
    names: str


def main(parent: int, lock: int, places: Places) -> NoReturn:
    """Never returns. Called in a fork of a shim.

    Args:
        parent: the shim.
        lock: a descriptor whose lock says that there is a recorder, for as long as it is open.
    """
    try:
        prctl.set_parent_death_signal(signal.SIGKILL)
        if os.getppid() == parent:
            prctl.set_name(NAME)
            prctl.set_timer_slack(_SLACK_NS)
            close_all_but({lock})
            _allow_many_descriptors()
            _record(Recorder(places))
    except BaseException:
        time.sleep(_AFTER_FAILURE_SECONDS)  # else the next one would come, and fail, at once
    finally:
        os._exit(0)


def _record(recorder: Recorder) -> NoReturn:
    recorder.look_around()
    while True:
        pause = 1 - time.time() % 1
        time.sleep(pause if pause > _SHORTEST_PAUSE_SECONDS else pause + 1)
        recorder.record()
        names_keeper.look(recorder.places.names)


def _allow_many_descriptors() -> None:
    """More than a dozen for each container."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Recorder:
    """Records all containers that run.

    Attributes:
        places: where they are.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self._tapes: dict[str, Tape] = {}
        self._veth_names: dict[str, str] = {}
        self._interfaces: dict[str, Interfaces] = {}

    def record(self) -> None:
        """Record the second that is over, and find containers that began in it."""
        second = round(time.time()) - 1
        self.look_around()
        for container_id, tape in list(self._tapes.items()):
            try:
                tape.record(second, self._interfaces.get(self._veth_names[container_id], ()))
            except (OSError, ValueError):  # its cgroup has gone, and with it the container
                self._tapes.pop(container_id).close()
                del self._veth_names[container_id]

    def look_around(self) -> None:
        """Find containers that run and aren't recorded yet; their counters are looked at for the first time."""
        try:
            found = os.listdir(self.places.runtimes)
        except OSError:
            return
        self._interfaces = traffic.interfaces()
        for container_id in found:
            if container_id not in self._tapes:
                self._open(container_id)

    def _open(self, container_id: str) -> None:
        status = read(f"{self.places.runtimes}/{container_id}/status.json")
        if status is None or status.state != "running" or not status.started_unix_ns:
            return
        places = self.places
        try:
            self._tapes[container_id] = Tape(
                f"{places.histories}/{container_id}",
                f"{places.runtimes}/{container_id}",
                f"{places.cgroups}/{container_id}",
                self._interfaces.get(status.veth_name, ()),
                status.started_unix_ns / 1e9,
            )
            self._veth_names[container_id] = status.veth_name
        except (OSError, ValueError):  # it has just ended, or there are too many
            return

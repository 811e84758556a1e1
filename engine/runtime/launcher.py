"""The launcher: a single-threaded fork server, so that a container's start is no interpreter's start-up.

The engine, multi-threaded and full of modules, starts one launcher and asks it for shims. It keeps one in stock: a
spare that waits on the engine's socket itself, with an init cloned already (`engine.runtime.stock`), so that a start
doesn't even wait for a fork. The launcher ends when the engine's socket closes. It isn't dumpable and runs from a
sealed copy of the interpreter, so that nothing in a container can trace it, read its memory or write to its
executable (CVE-2019-5736).
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket

from msgspec.structs import replace

from engine.cgroups.manager import preload
from engine.linux import clone, memory, prctl, signals, trace
from engine.runtime import news, shim
from engine.runtime.news import Experience, Forecast
from engine.runtime.rehearsal.entry import rehearse
from engine.runtime.rehearsal.programme import Rehearsal
from engine.runtime.status import boot_id
from engine.xray import parts


def main(descriptor: int, is_moved: bool) -> None:
    """Serve `Launch` requests on a SOCK_SEQPACKET socket until it closes.

    Args:
        is_moved: whether the engine puts us into a cgroup before it asks for anything; nobody is in stock until then.
    """
    prctl.set_dumpable(False)
    prctl.set_name("boxdeck-launch")
    os.umask(0o022)
    os.chdir("/")
    _let_go_of_streams()
    boot_id()  # remembered by every shim
    preload()
    rehearse()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # shims are nobody's zombies
    signals.restore(signal.SIGINT)  # Ctrl-C doesn't reach us: we have a session of our own
    gc.disable()
    gc.freeze()  # what is here now is shared by all shims for ever
    requests = socket.socket(fileno=descriptor)
    requests.set_inheritable(False)
    Launcher(requests).serve(in_stock=not is_moved)


def _let_go_of_streams() -> None:
    """Those of the engine; shims inherit what is here instead."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


_REFILL_MSEC = 2
_LEISURE_MSEC = 50  # after the first start; an engine that makes no more than one has ended by then


class Launcher:
    """Keeps one spare shim on the socket of requests.

    While no spare is free, a request that waits has one forked at once. Otherwise the next is forked a moment after
    a start is through, so that it takes no processor time from that. Before the first of those, the launcher rehearses.
    """

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._poll = select.poll()
        self._pipes: dict[int, int] = {}  # of the spare, and of makers whose start isn't through; the shims' pids
        self._free: int | None = None  # pipe of the spare that has no request yet; without one, requests are watched
        self._refill = False
        self._rehearsal = Rehearsal()
        self._starts = 0  # that are through
        self._bundle = ""  # of the first container
        self._forecast: Forecast | None = None
        self._before: dict[int, memory.Frames] = {}  # of shims that are to be learnt from, by pid

    def serve(self, in_stock: bool) -> None:
        """Until the engine has gone.

        Args:
            in_stock: whether the first shim is forked before anybody asks.
        """
        self._poll.register(self._requests, select.POLLIN)
        if in_stock:
            self._fork_spare(in_advance=True)
        while True:
            ready = self._poll.poll(self._patience_msec())
            if not ready:
                self._use_leisure()
            for descriptor, _ in ready:
                if descriptor == self._requests.fileno():
                    self._fork_spare(in_advance=False)
                elif not self._hear(descriptor):
                    return

    def _patience_msec(self) -> int | None:
        """How long it has to be quiet before there is leisure; None where nothing is to be done in it."""
        if not self._refill:
            return None
        if self._rehearsal.is_over or self._starts > 1:
            return _REFILL_MSEC
        return 0 if self._rehearsal.has_begun else _LEISURE_MSEC

    def _use_leisure(self) -> None:
        if self._rehearsal.is_over:
            self._fork_spare(in_advance=True)
        else:
            self._rehearsal.go_on(self._bundle)

    def _fork_spare(self, in_advance: bool) -> None:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        forecast = self._forecast if self._rehearsal.is_over else None
        before = memory.frames(os.getpid()) if forecast is not None and in_advance and not forecast.shim_pages else None
        trace.calls.set([] if parts.is_on() else None)  # for the spare, which begins with this clone
        spare = clone.clone(0)  # past what Python does after a fork, which touches much memory
        if spare.pid == 0:
            for pipe in (*self._pipes, ours):
                os.close(pipe)
            shim.main(self._requests, theirs, forecast, in_advance)
        trace.calls.set(None)
        os.close(theirs)
        os.close(spare.pidfd)
        self._pipes[ours] = spare.pid
        if before is not None:
            self._before[spare.pid] = before
        self._poll.register(ours, select.POLLIN)
        self._poll.unregister(self._requests)
        self._free = ours
        self._refill = False

    def _hear(self, pipe: int) -> bool:
        """Take a maker's word; False when the engine has gone."""
        if pipe != self._free:
            self._starts += 1
            self._learn(news.hear_experience(pipe), self._pipes[pipe])
            self._forget(pipe)
            self._refill = self._free is None
            return True
        self._free = None
        self._poll.register(self._requests, select.POLLIN)
        if news.has_taken(pipe):
            return True
        self._forget(pipe)
        return not self._is_over()

    def _learn(self, experience: Experience | None, shim_pid: int) -> None:
        """Take over what a start was like; what its shim has written to by now others will have to as well."""
        before = self._before.pop(shim_pid, None)
        if experience is None:
            return
        if self._forecast is None:
            self._forecast = Forecast(flags=experience.flags)
            self._bundle = experience.bundle
        if experience.pages is not None:
            maker_pages, init_pages = experience.pages
            self._forecast = replace(self._forecast, maker_pages=maker_pages, init_pages=init_pages)
        if experience.flags != self._forecast.flags:
            self._forecast = replace(self._forecast, flags=experience.flags)
        if experience.dev is not None:
            self._forecast = replace(self._forecast, dev=experience.dev)
        if experience.file_systems is not None:
            self._forecast = replace(self._forecast, file_systems=experience.file_systems)
        if before is not None and not self._forecast.shim_pages:
            with contextlib.suppress(OSError):  # a shim that has ended already tells nothing; the next one will
                self._forecast = replace(self._forecast, shim_pages=memory.copied_since(shim_pid, before))

    def _forget(self, pipe: int) -> None:
        self._poll.unregister(pipe)
        del self._pipes[pipe]
        os.close(pipe)

    def _is_over(self) -> bool:
        """Whether the engine has closed its end, which is what a spare without a request ends for."""
        try:
            return not self._requests.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

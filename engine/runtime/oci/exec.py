"""``exec``: run a further process in a container."""

from __future__ import annotations

import os

from msgspec.structs import replace

from engine.cgroups.manager import Cgroup
from engine.errors import Conflict
from engine.oci.process_spec import ConsoleSize, Process
from engine.runtime.exec import Enterable, find
from engine.runtime.oci import console, pid_file, preserved
from engine.runtime.oci.entrance import Guest, enter
from engine.runtime.oci.exec_options import FLAGS, ExecOptions, process_of
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.foreground import Foreground
from engine.runtime.oci.status import not_running, status_of
from engine.runtime.oci.verb import Call, Verb
from engine.runtime.wrong_values import refuse_process

_FAILED = 255  # so that it isn't taken for the process's own


def action(call: Call) -> int:
    """Execute it."""
    options: ExecOptions = call.options
    kept = preserved.count(options.preserve_fds)  # before there are descriptors of ours that it would count
    container = _open(Folder(call.settings.state_root, call.container_id), options)
    process = process_of(options, call.words[1:], container.spec)
    refuse_process(process)
    console.check(process, options.console_socket, options.detach)
    guest = enter(container, _sized(process), kept)
    return _accompany(guest, options)


def _sized(process: Process) -> Process:
    """A terminal that nobody has said the size of has that of ours from the start: the process may look at once."""
    if not process.terminal or process.console_size is not None or not os.isatty(0):
        return process
    size = os.get_terminal_size(0)
    return replace(process, console_size=ConsoleSize(height=size.lines, width=size.columns))


def _open(folder: Folder, options: ExecOptions) -> Enterable:
    record = folder.record()
    pidfd = record.open_process()
    if pidfd is None:
        raise not_running(record.container_id)
    if not options.ignore_paused and status_of(record) == "paused":
        raise Conflict(f"container {record.container_id!r} is paused", "resume it first, or add --ignore-paused")
    below = "".join(f"/{part}" for name in options.cgroup for part in name.rpartition(":")[2].split("/") if part)
    cgroup = Cgroup.open(record.cgroups_path + below)
    return find(folder.spec(), pidfd, cgroup, record.container_id, record.bundle, folder.seccomp_cache)


def _accompany(guest: Guest, options: ExecOptions) -> int:
    master = guest.master
    if master is not None and options.console_socket:
        console.send(options.console_socket, master)
        master = None
    if options.pid_file:
        pid_file.write(options.pid_file, guest.pid)
    if options.detach:
        return 0
    with Foreground(guest.pid, guest.pidfd, master) as foreground:
        return foreground.wait()


VERB = Verb(
    help="run a further process in a container",
    usage="ID [COMMAND [ARGUMENT…]]",
    least=1,
    most=None,
    flags=FLAGS,
    options=ExecOptions,
    action=action,
    interspersed=False,
    failure_status=_FAILED,
)

"""``create``, and the first half of ``run``: a container up to the moment before its process is executed."""

from __future__ import annotations

import os
import socket
import time

from msgspec import Struct, structs

from engine.cgroups.manager import Cgroup
from engine.errors import NotFound
from engine.linux import prctl
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import decode
from engine.runtime import unix_socket
from engine.runtime.birth import Living, give_birth
from engine.runtime.circumstances import Circumstances
from engine.runtime.oci import console, pid_file, place, preserved
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.log import Log
from engine.runtime.oci.record import Record, start_ticks
from engine.runtime.oci.settings import Settings
from engine.runtime.process import unavailable

FLAGS = (
    Flag("bundle", "text", "the folder with config.json; the working directory if absent", "b"),
    Flag("console-socket", "text", "send the master of the process's terminal to this socket"),
    Flag("pid-file", "text", "write the id of the process to this file"),
    Flag("pidfd-socket", "text", "send a pidfd of the process to this socket"),
    Flag("preserve-fds", "text", "let the process inherit this many descriptors from 3 on"),
    Flag("no-pivot", "switch", "change the root without pivot_root, for a root in the initial RAM disk"),
    Flag("no-new-keyring", "switch", "leave the caller's session keyring to the container"),
    Flag("no-subreaper", "switch"),
    Flag("config", "text", "read this file instead of config.json", "f"),
)  # fmt: skip


class CreateOptions(Struct, frozen=True, kw_only=True):
    """The flags of `FLAGS`."""

    bundle: str = "."
    console_socket: str = ""
    pid_file: str = ""
    pidfd_socket: str = ""
    preserve_fds: int = 0
    no_pivot: bool = False
    no_new_keyring: bool = False
    no_subreaper: bool = False
    config: str = ""


class Creation:
    """One container in the making.

    Args:
        detach: whether the caller watches over it, and we end before it does.

    Raises:
        InvalidRequest: its config.json is wrong, or its terminal and our flags don't fit.
        NotFound: there is no config.json.
    """

    def __init__(self, settings: Settings, container_id: str, options: CreateOptions, detach: bool) -> None:
        self._settings = settings
        self._id = container_id
        self._options = options
        self._bundle = os.path.abspath(options.bundle)
        self._config = _read(os.path.join(self._bundle, options.config or "config.json"))
        self.spec = preserved.with_sockets(decode(self._config))
        self._preserved = preserved.count(options.preserve_fds)
        console.check(self.spec.process, options.console_socket, detach)

    def make(self) -> Living:
        """Make it.

        Raises:
            Conflict: the id is in use.
            BoxdeckError: with the step that failed; nothing is left then.
        """
        self._warn()
        where = place.choose(self._linux, self._id, self._settings.wants_systemd)
        folder = Folder.make(self._settings.state_root, self._id)
        with folder.locked():
            try:
                return self._make_in(folder, where)
            except BaseException:
                folder.remove()
                raise

    @property
    def _linux(self) -> Linux:
        return self.spec.linux or Linux()

    def _warn(self) -> None:
        own = self._linux.namespace("user") is not None
        missing = unavailable(self.spec.process, own) if self.spec.process is not None else ()
        if missing:
            Log(self._settings).warn(f"left out, since they can't be granted here: {', '.join(missing)}")

    def _make_in(self, folder: Folder, where: place.Place) -> Living:
        record = self._first_record(where)
        folder.keep_config(self._config)
        folder.keep(record)  # already now: whoever cleans up after us, should we be killed, finds the cgroup by it
        with place.made(where, self._linux) as cgroup:
            living = self._give_birth(folder, cgroup)
            self._publish(folder, structs.replace(record, cgroups_path=cgroup.path), living)
        return living

    def _first_record(self, where: place.Place) -> Record:
        root = self.spec.root.path if self.spec.root is not None else ""
        hooks, seccomp = self.spec.hooks, self._linux.seccomp
        return Record(
            container_id=self._id,
            bundle=self._bundle,
            rootfs=os.path.join(self._bundle, root) if root else "",
            cgroups_path=where.path,
            scope=where.scope,
            annotations=self.spec.annotations,
            created_unix_ns=time.time_ns(),
            has_poststart=bool(hooks.poststart),
            has_poststop=bool(hooks.poststop),
            has_listener=seccomp is not None and bool(seccomp.listener_path),
        )

    def _give_birth(self, folder: Folder, cgroup: Cgroup) -> Living:
        prctl.set_dumpable(False)
        with unix_socket.listen(folder.path) as listener:
            return give_birth(self.spec, self._circumstances(folder, cgroup, listener))

    def _circumstances(self, folder: Folder, cgroup: Cgroup, listener: socket.socket) -> Circumstances:
        terminal = self.spec.process is not None and self.spec.process.terminal
        return Circumstances(
            container_id=self._id,
            bundle=self._bundle,
            cgroup=cgroup,
            stdio=None if terminal else (0, 1, 2),
            listener=listener,
            seccomp_cache=folder.seccomp_cache,
            pivot=not self._options.no_pivot,
            new_keyring=not self._options.no_new_keyring,
            preserved=self._preserved,
        )

    def _publish(self, folder: Folder, record: Record, living: Living) -> None:
        """Tell everybody who wants to know of the process."""
        options = self._options
        if living.master is not None and options.console_socket:
            console.send(options.console_socket, living.master)
        if options.pidfd_socket:
            console.send_descriptor(options.pidfd_socket, b"pidfd", living.pidfd)
        folder.keep(structs.replace(record, pid=living.pid, pid_start_ticks=start_ticks(living.pid)))
        if options.pid_file:
            pid_file.write(options.pid_file, living.pid)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise NotFound(f"{path} can't be read ({error.strerror})", "name the bundle with --bundle") from error

"""A container of which only the mounts are made: quick enough for a test of every option."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from engine.errors import BoxdeckError
from engine.linux import clone, mounts, namespaces, prctl
from engine.oci.linux_spec import IdMapping, Linux, Namespace
from engine.oci.runtime_spec import Mount, Root, Spec
from engine.runtime import dev_folder, devices, file_system_mount, masking, mounting, rootfs, sysctls, userns
from engine.runtime.letting_go import forget_imports

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")

FIRST_ID = 300_000
MAPPINGS = (IdMapping(container_id=0, host_id=FIRST_ID, size=65_536),)
KINDS = ("mount", "uts", "ipc", "pid", "network", "cgroup")


def linux(*, user: bool = False, without: tuple[str, ...] = (), **fields: object) -> Linux:
    """Namespaces of its own, perhaps with a user namespace that begins at `FIRST_ID`."""
    kinds = [kind for kind in (*KINDS, *(["user"] if user else [])) if kind not in without]
    mappings = MAPPINGS if user else ()
    own = tuple(Namespace(type=kind) for kind in kinds)  # type: ignore[arg-type]
    return Linux(namespaces=own, uid_mappings=mappings, gid_mappings=mappings, **fields)  # type: ignore[arg-type]


def mount(destination: str, kind: str, *options: str, source: str = "", **fields: object) -> Mount:
    return Mount(destination=destination, type=kind, source=source, options=options, **fields)  # type: ignore[arg-type]


PROC = mount("/proc", "proc")
DEV = mount("/dev", "tmpfs", "nosuid", "mode=755")


class Bundle:
    """A folder with an empty root file system, which root of the container owns.

    Attributes:
        make_dev: whether /dev is made outside of a user namespace, where that can be.
        makes_ahead: whether file systems are made before there is a root.
        prepares: whether those that can are made before ids are mapped.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "rootfs"
        self.make_dev = True
        self.makes_ahead = True
        self.prepares = False
        self.root.mkdir()

    def spec(self, *wanted: Mount, linux: Linux | None = None, readonly: bool = False) -> Spec:
        root = Root(path="rootfs", readonly=readonly)
        return Spec(oci_version="1.2.0", root=root, mounts=wanted, linux=linux or globals()["linux"]())

    def run(
        self, spec: Spec, probe: Callable[[], object], before: Callable[[int], None] | None = None, pivot: bool = True
    ) -> object:
        """What `probe` gives inside, after everything is mounted.

        Args:
            before: called when the root is attached, with its descriptor, before anything is mounted.
            pivot: as of `rootfs.enter`.

        Raises:
            BoxdeckError: why it can't be mounted.
        """
        return in_child(lambda: self._run(spec, probe, before, pivot))

    def _run(
        self, spec: Spec, probe: Callable[[], object], before: Callable[[int], None] | None, pivot: bool
    ) -> object:
        assert spec.linux is not None
        user = spec.linux.namespace("user") is not None
        if user:
            os.chown(self.root, FIRST_ID, FIRST_ID)
        mapping = userns.open_mapping(spec.linux) if user else None
        root = rootfs.prepare(spec, str(self.folder), mapping)
        sources = mounting.open_sources(spec, str(self.folder), mapping)
        folder = dev_folder.make(spec, mapping) if mapping is not None and self.make_dev else mounting.Sources()
        sources.update(folder)
        nodes = devices.open_sources(spec, bool(folder)) if user else mounting.Sources()
        told, telling = os.pipe2(os.O_CLOEXEC)
        ready, go = os.pipe2(os.O_CLOEXEC)
        child = clone.clone(_flags(spec.linux))
        if child.pid == 0:
            if self.prepares:
                file_system_mount.prepare(mounting.early(spec))
            _inside(spec, root, sources, nodes, (ready, telling), probe, before, pivot, self.makes_ahead)
        mappings = [] if mapping is None else [mapping]
        for descriptor in (root, *sources.values(), *nodes.values(), telling, ready, *mappings):
            os.close(descriptor)
        try:
            if user:
                userns.write_maps(child.pid, spec.linux)
            os.write(go, b"!")
            return _answer(told)
        finally:
            os.close(go)
            signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            os.close(child.pidfd)


def _flags(linux: Linux) -> int:
    names = {"mount": "mnt", "network": "net"}
    return sum(namespaces.FLAG_BY_ENTRY[names.get(n.type, n.type)] for n in linux.namespaces)


def _answer(told: int) -> object:
    with open(told, "rb") as stream:
        text = stream.read()
    failed, answer = msgspec.json.decode(text)
    if failed:
        raise BoxdeckError(answer)
    return answer


def _inside(spec, root, sources, nodes, pipes, probe, before, pivot, makes_ahead) -> None:  # type: ignore[no-untyped-def]
    ready, telling = pipes

    def build() -> object:
        os.read(ready, 1)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        prctl.set_parent_death_signal(signal.SIGKILL)
        os.umask(0)
        forget_imports()
        return _build(spec, root, sources, nodes, probe, before, pivot, makes_ahead)

    _tell(telling, build)


def _build(spec, root, sources, nodes, probe, before, pivot, makes_ahead) -> object:  # type: ignore[no-untyped-def]
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    top = os.open("/", os.O_PATH)
    mounts.attach(root, top)
    os.close(top)
    if before is not None:
        before(root)
    ahead = mounting.make_ahead(spec) if makes_ahead else mounting.Sources()
    mounting.place_all(spec, root, {**ahead, **sources})
    if any(m.destination == "/dev" for m in spec.mounts):
        devices.make_all(spec, root, nodes, dev_folder.is_made(spec, sources))
    sysctls.write_all(root, spec.linux.sysctl)
    masking.seal(root, spec.linux)
    rootfs.enter(root, pivot)
    rootfs.settle(spec)
    return probe()


def where_all_is_shared(work: Callable[[], object]) -> object:
    """What `work` gives in a mount namespace whose mounts are all shared, as systemd has those of a host."""

    def share_and_work() -> object:
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
        mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_SHARED)
        return work()

    return in_child(share_and_work)


def in_child(work: Callable[[], object]) -> object:
    """What `work` gives in a process of its own, with one thread alone, as `clone.clone` wants it.

    Raises:
        BoxdeckError: as it did.
    """
    told, telling = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _tell(telling, work)
    os.close(telling)
    try:
        return _answer(told)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _tell(telling: int, work: Callable[[], object]) -> NoReturn:
    try:
        answer = (False, work())
    except BaseException as error:
        answer = (True, str(error) if isinstance(error, BoxdeckError) else repr(error))
    os.write(telling, msgspec.json.encode(answer))
    os._exit(0)


def options_of(point: str) -> str:
    """Mount options, propagation and super block of what is mounted at a place, as mountinfo has them."""
    found = ""
    with open("/proc/self/mountinfo") as lines:
        for line in lines:
            fields = line.split()
            if fields[4] == point:
                found = " ".join(fields[5:])
    return found

"""A launcher rehearses what its children do once: nothing remains but code that the interpreter has specialised."""

from __future__ import annotations

import dis
import gc
import os
import resource
import signal
import sys
from pathlib import Path
from types import CodeType
from typing import Any

from engine.oci.linux_spec import Linux, Namespace
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Mount, Root, Spec, encode
from engine.runtime import masking, mounting, process
from engine.runtime.first_process import FirstProcess
from engine.runtime.keeper import Keeper
from engine.runtime.rehearsal import set_up
from engine.runtime.rehearsal.entry import rehearse
from engine.runtime.rehearsal.programme import Rehearsal
from tests.engine.runtime.forked import forked


def _with_null_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)


def _state() -> dict[str, Any]:
    """What a rehearsal could leave changed in this process."""
    fields = Path("/proc/self/status").read_text().splitlines()
    kept = {
        *("Umask", "Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "SigBlk", "SigIgn", "SigCgt"),
        *("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"),
    }
    return {
        "status": [line for line in fields if line.split(":")[0] in kept],
        "namespaces": [os.readlink(f"/proc/self/ns/{name}") for name in sorted(os.listdir("/proc/self/ns"))],
        "cgroups": Path("/proc/self/cgroup").read_text(),
        "descriptors": sorted(os.listdir("/proc/self/fd")),
        "limits": [resource.getrlimit(number) for number in range(16)],
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "folder": os.getcwd(),
        "collects": gc.isenabled(),
        "finders": len(sys.meta_path),
        "folders": sys.path,
    }


def test_a_rehearsal_leaves_the_process_as_it_was() -> None:
    """Seen to fail with ``sys.meta_path`` left empty, and with signals left as they are by default.

    And with one capability missing among those of `_entry`.
    """

    def compare() -> list[str]:
        _with_null_streams()
        os.chdir("/")
        os.umask(0o022)
        os.setsid()
        before = _state()
        rehearse()
        after = _state()
        return [name for name in before if before[name] != after[name]]

    outcome = forked(compare)
    assert outcome.error is None
    assert outcome.value == []


def _bundle(folder: Path, *others: Mount) -> str:
    """Of a container with what containers have: file systems, a bind mount, and paths that are hidden or protected."""
    binds = Mount(destination="/etc/hosts", source="/nowhere", type="bind", options=("rbind",))
    own = (
        Mount(destination="/proc", source="proc", type="proc"),
        Mount(destination="/dev", source="tmpfs", type="tmpfs", options=("mode=755",)),
        Mount(destination="/sys/fs/cgroup", source="cgroup", type="cgroup", options=("ro",)),
    )
    spec = Spec(
        oci_version="1.0.2",
        root=Root(path="rootfs"),
        process=Process(args=("true",), cwd="/"),
        mounts=(*own, binds, *others),
        linux=Linux(
            namespaces=tuple(Namespace(type=kind) for kind in ("mount", "pid", "cgroup")),
            masked_paths=("/proc/keys", "/proc/acpi"),
            readonly_paths=("/proc/sys",),
        ),
    )
    (folder / "config.json").write_bytes(encode(spec))
    return str(folder)


def _rehearse_all(bundle: str) -> None:
    rehearsal = Rehearsal()
    while not rehearsal.is_over:
        rehearsal.go_on(bundle)


def test_all_that_a_launcher_rehearses_leaves_it_as_it_was(tmp_path: Path) -> None:
    """Nothing is mounted, no descriptor open, and there is no child that somebody would have to wait for.

    Seen to fail with the pidfd of the container's process left open, with cgroups among what `set_up` mounts, without
    the waiting for children, and with the collection of garbage left on.
    """
    bundle = _bundle(tmp_path)

    def compare() -> list[str]:
        _with_null_streams()
        os.chdir("/")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        gc.disable()
        _rehearse_all(bundle)  # what is opened once and for all
        before = _state() | {"collects": False}
        stranger = os.fork()
        if stranger == 0:
            os._exit(0)
        _rehearse_all(bundle)
        after = _state()
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return [name for name in before if before[name] != after[name]]
        return ["children"]

    outcome = forked(compare)
    assert outcome.error is None
    assert outcome.value == []


def test_a_launcher_rehearses_what_shims_and_inits_do(tmp_path: Path) -> None:
    """To the end of both: what comes last has been done as often. Seen to fail with TIMES at 4."""
    bundle = _bundle(tmp_path)
    last = [Keeper._finish, Keeper._let_mounts_go, FirstProcess.reap]
    if set_up.IS_POSSIBLE:
        last += [mounting.place_all, masking._protect]

    def unspecialised() -> list[str]:
        _with_null_streams()
        for each in last:
            each.__code__ = each.__code__.replace()  # as it was when it was imported
        _rehearse_all(bundle)
        return [each.__qualname__ for each in last if not _is_specialised(each.__code__)]

    outcome = forked(unspecialised)
    assert outcome.error is None
    assert outcome.value == []


def test_what_cant_be_rehearsed_is_left_out(tmp_path: Path) -> None:
    """The bundle of a container that was removed meanwhile, and a folder that nobody may mount."""

    def rehearse_in_vain() -> list[str]:
        _with_null_streams()
        os.setgroups([])
        os.setresuid(65534, 65534, 65534)
        before = os.listdir("/proc/self/fd")
        _rehearse_all(str(tmp_path / "gone"))
        return sorted({*os.listdir("/proc/self/fd")} - {*before})

    outcome = forked(rehearse_in_vain)
    assert outcome.error is None
    assert outcome.value == []


def test_nothing_stays_open_of_what_fails_half_way(tmp_path: Path) -> None:
    """Seen to fail without `descriptors.close_all_but`."""
    wrong = Mount(destination="/proc/nowhere/at/all", source="tmpfs", type="tmpfs")

    def rehearse_half() -> list[str]:
        _with_null_streams()
        _rehearse_all(_bundle(tmp_path))  # what is opened once and for all
        before = os.listdir("/proc/self/fd")
        _rehearse_all(_bundle(tmp_path, wrong))
        return sorted({*os.listdir("/proc/self/fd")} - {*before})

    outcome = forked(rehearse_half)
    assert outcome.error is None
    assert outcome.value == []


def _is_specialised(code: CodeType) -> bool:
    """Whether it looks up no attributes of modules or instances by name any more (PEP 659)."""
    names = [each.opname for each in dis.get_instructions(code, adaptive=True)]
    return any(name.startswith(("LOAD_ATTR_", "LOAD_METHOD_", "LOAD_GLOBAL_")) for name in names)


def test_a_rehearsal_is_of_the_code_that_is_run_last_before_a_program() -> None:
    """Seen to fail with TIMES at 4."""

    def specialised() -> int:
        _with_null_streams()
        process.execute.__code__ = process.execute.__code__.replace()  # as it was when it was imported
        rehearse()
        code = process.execute.__code__
        return sum(each.opname.startswith("LOAD_ATTR_MODULE") for each in dis.get_instructions(code, adaptive=True))

    assert forked(specialised).value >= 1

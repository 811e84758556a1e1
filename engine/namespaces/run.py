"""``boxdeck ns run`` from inside: fresh namespaces by clone3(2) or unshare(2), made usable, and then the command."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
from typing import NoReturn

from engine.errors import BoxdeckError, RuntimeFailure, Unsupported
from engine.linux import clone, libc, mounts, namespaces, prctl
from engine.model import NamespaceRun
from engine.namespaces.maps import MapWriter, write_maps
from engine.namespaces.parent import follow, hold_signals
from engine.namespaces.program import Narrator, execute
from engine.namespaces.words import flags_of, named

_BORN_LATER = namespaces.CLONE_NEWPID | namespaces.CLONE_NEWTIME  # of these unshare(2) moves only children to come

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


def run(request: NamespaceRun) -> NoReturn:
    """Become, or beget, the command in its namespaces.

    Raises:
        BoxdeckError: what can't be; the command hasn't begun then.
    """
    flags = flags_of(request.kinds)
    say = Narrator(request.verbose)
    is_child = _clone(request, flags, say) if _by_clone(request) else _unshare(request, flags, say)
    if is_child:
        prctl.set_parent_death_signal(signal.SIGKILL)
    _settle(request, say)
    if is_child:  # changing ids has made the kernel forget it
        prctl.set_parent_death_signal(signal.SIGKILL)
    execute(request.argv or (os.environ.get("SHELL") or "/bin/sh",), dict(os.environ), say)


def _by_clone(request: NamespaceRun) -> bool:
    """Offsets of a time namespace must be written before anybody is in it, which rules clone out."""
    if request.by == "auto":
        return "pid" in request.kinds and "time" not in request.kinds
    return request.by == "clone"


def _clone(request: NamespaceRun, flags: int, say: Narrator) -> bool:
    """Go on in a child that is in all of them from its first instruction; this process only waits for it.

    Returns:
        True: who returns is the child.
    """
    hold_signals()
    go, ready = os.pipe()
    child = _fork(flags, say)
    if child.pid == 0:
        os.close(ready)
        if not os.read(go, 1):
            os._exit(BoxdeckError.exit_status)  # who would have written our maps has said why it couldn't
        os.close(go)
        return True
    try:
        if flags & namespaces.CLONE_NEWUSER:
            write_maps(str(child.pid), request.id_map, say)
    except BaseException:
        os.kill(child.pid, signal.SIGKILL)
        raise
    os.write(ready, b"!")
    return follow(child.pid)


def _unshare(request: NamespaceRun, flags: int, say: Narrator) -> bool:
    """Leave our own namespaces for new ones; a child goes on where only children get there.

    Returns:
        Whether who returns is that child.
    """
    writer = MapWriter(request.id_map, say) if flags & namespaces.CLONE_NEWUSER else None
    say(f"unshare({named(flags)})")
    try:
        namespaces.unshare(flags)
    except OSError as error:
        raise _refused("unshare", flags, error) from error
    if writer is not None:
        writer.finish()
    if request.boot_offset_seconds:
        _set_clocks(request.boot_offset_seconds, say)
    if not flags & _BORN_LATER:
        return False
    hold_signals()
    child = _fork(0, say)
    if child.pid != 0:
        follow(child.pid)
    return True


def _fork(flags: int, say: Narrator) -> clone.Child:
    say(f"clone3({named(flags)})")
    try:
        return clone.clone(flags)
    except OSError as error:
        raise _refused("clone3", flags, error) from error


def _refused(call: str, flags: int, error: OSError) -> BoxdeckError:
    words = f"{call}({named(flags)}) is refused ({os.strerror(error.errno or 0).lower()})"
    if error.errno == 1:  # EPERM
        return Unsupported(words, "become root, or add --map-root: a user namespace of one's own allows the others")
    if error.errno == 28:  # ENOSPC
        return Unsupported(words, "raise the limits in /proc/sys/user")
    return Unsupported(words, "see which of them this kernel has: ls /proc/self/ns")


def _set_clocks(seconds: int, say: Narrator) -> None:
    text = f"monotonic {seconds} 0\nboottime {seconds} 0\n"
    say(f"write(/proc/self/timens_offsets, {text!r})")
    try:
        with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise RuntimeFailure(
            f"the clocks can't be set {seconds} seconds off ({os.strerror(error.errno or 0).lower()})",
            "the time since boot may not become negative, and root is needed",
        ) from error


def _settle(request: NamespaceRun, say: Narrator) -> None:
    """Make the new namespaces of use: mounts that stay here, a /proc of ours, lo, the name."""
    try:
        if "user" in request.kinds:
            _become_root(request, say)
        if "mnt" in request.kinds:
            _settle_mounts(request, say)
        if "net" in request.kinds:
            _raise_loopback(say)
        if request.hostname is not None:
            say(f"sethostname({request.hostname!r})")
            libc.syscall("sethostname", os.fsencode(request.hostname), len(os.fsencode(request.hostname)))
    except OSError as error:
        raise RuntimeFailure(f"the new namespaces can't be made ready ({error})", "see what --verbose says") from error


def _become_root(request: NamespaceRun, say: Narrator) -> None:
    if any(each.inside == 0 for each in request.id_map):
        say("setresgid(0, 0, 0), setresuid(0, 0, 0)")
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)


def _settle_mounts(request: NamespaceRun, say: Narrator) -> None:
    say('mount("/", MS_REC|MS_PRIVATE)')
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    if "pid" in request.kinds and request.fresh_proc:
        say('mount("/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC)')
        try:
            mounts.mount("proc", "/proc", "proc", mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_NOEXEC)
        except OSError as error:
            raise RuntimeFailure(
                f"a /proc of the new pid namespace can't be mounted ({os.strerror(error.errno or 0).lower()})",
                "keep the old one with --no-proc",
            ) from error


def _raise_loopback(say: Narrator) -> None:
    say("ioctl(SIOCSIFFLAGS, lo, IFF_UP)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as anything:
        answer = fcntl.ioctl(anything, _SIOCGIFFLAGS, struct.pack("16sH22x", b"lo", 0))  # struct ifreq, netdevice(7)
        flags = struct.unpack("16sH22x", answer)[1] | _IFF_UP
        fcntl.ioctl(anything, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags))

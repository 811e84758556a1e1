"""``boxdeck ns enter`` from inside: setns(2) by a pidfd into somebody's namespaces, and then the command.

Who is visited may be hostile. Until it executes the command this program can't be traced or looked at
(PR_SET_DUMPABLE), it runs from a sealed copy that nobody can write to (CVE-2019-5736), and after entering the target's
files it imports nothing. A command of the target's gets a terminal of its own, or none, so that it can't push keys
into ours (TIOCSTI), and no capability that the target couldn't have.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from engine.errors import NotFound, RuntimeFailure, Unsupported
from engine.linux import capabilities, clone, keyring, namespaces, prctl
from engine.model import NamespaceVisit
from engine.namespaces.order import VisitOrder
from engine.namespaces.parent import follow, hold_signals
from engine.namespaces.program import DEFAULT_PATH, Narrator, execute
from engine.namespaces.terminal import Terminal
from engine.namespaces.words import flags_of, named

_SHELLS = ("/bin/bash", "/bin/sh")
_KEPT_VARIABLES = ("TERM", "COLORTERM", "LANG", "LC_ALL", "TZ")


class Visit:
    """One order on its way.

    Attributes:
        flags: of the namespaces that are entered: those that were wanted and aren't ours already.
        is_child: whether this process was begotten by one that waits for it.
    """

    def __init__(self, order: VisitOrder, argv: tuple[str, ...]) -> None:
        self.request: NamespaceVisit = order.request
        self.pidfd = order.pidfd
        self.is_child = False
        self.say = Narrator(order.request.verbose)
        self.flags = flags_of(kind for kind in _wanted(order) if _is_elsewhere(order, kind))
        self.root = self._open_root(order.pid)
        self.bounding = _bounding_set(order.pid) if self.enters_files and not self.request.privileged else None
        self.argv = argv or (self._shell(),)
        with suppress(OSError):
            signal.pidfd_send_signal(self.pidfd, 0)  # what was read by pid above was of this process
            return
        raise _ended(order)

    @property
    def enters_files(self) -> bool:
        """Whether paths mean the target's files."""
        return bool(self.flags & namespaces.CLONE_NEWNS)

    def _open_root(self, pid: int) -> int | None:
        """The target's root directory, which can be elsewhere than its mount namespace's (chroot)."""
        if not self.enters_files:
            return None
        try:
            return os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _refused("open(/proc/PID/root)", error) from error

    def _shell(self) -> str:
        if self.root is None:
            return os.environ.get("SHELL") or "/bin/sh"
        return ""  # looked for when we are there

    def setns(self, flags: int) -> None:
        """Enter several at once.

        Raises:
            BoxdeckError: the kernel refuses.
        """
        if not flags:
            return
        self.say(f"setns(pidfd, {named(flags)})")
        try:
            namespaces.setns(self.pidfd, flags)
        except OSError as error:
            raise _refused(f"setns({named(flags)})", error) from error


def visit(order: VisitOrder, argv: tuple[str, ...]) -> NoReturn:
    """Become, or beget, the command.

    Raises:
        BoxdeckError: what can't be; the command hasn't begun then.
    """
    prctl.set_dumpable(False)
    there = Visit(order, argv)
    there.say(f"pidfd_open({order.pid})")
    first = _before_the_child(there.flags)
    there.setns(first)
    terminal = Terminal() if there.enters_files and os.isatty(0) else None
    if first or there.enters_files:
        _beget(there, terminal)
    there.setns(there.flags & ~first)
    _settle(there)
    if terminal:
        terminal.take()
    _execute(there)


def _before_the_child(flags: int) -> int:
    """Which to enter before there is a child: of a pid namespace setns moves only children to come.

    Without root the others can be entered only by who is in their user namespace, so that comes first, too.
    """
    if not flags & namespaces.CLONE_NEWPID:
        return 0
    return namespaces.CLONE_NEWPID | (0 if os.geteuid() == 0 else flags & namespaces.CLONE_NEWUSER)


def _beget(there: Visit, terminal: Terminal | None) -> None:
    """Go on in a child; this process waits for it and ends as it did."""
    if terminal is None:
        hold_signals()
    there.say("clone3(0)")
    child = clone.clone(0)
    if child.pid == 0:
        there.is_child = True
        prctl.set_parent_death_signal(signal.SIGKILL)
        if there.enters_files and terminal is None:
            os.setsid()
    elif terminal:
        terminal.relay(child)
    else:
        follow(child.pid, in_our_session=not there.enters_files)


def _settle(there: Visit) -> None:
    """Root directory and ids as they are there."""
    try:
        if there.root is not None:
            sys.meta_path.clear()  # nothing of what is there may be imported
            sys.path.clear()
            there.say("fchdir(root), chroot(.)")
            os.fchdir(there.root)
            os.chroot(".")
            os.close(there.root)
            keyring.join_new_session()  # ours may hold keys that are none of theirs
        if there.bounding is not None:
            _bound(there, there.bounding)
        if there.flags & namespaces.CLONE_NEWUSER:
            _become(there)
        if there.root is not None or there.request.working_dir is not None:
            os.chdir(there.request.working_dir or "/")
            os.getcwd()  # fails where no path leads to
    except OSError as error:
        raise RuntimeFailure(
            f"the namespaces are entered, but not usable ({os.strerror(error.errno or 0).lower()})",
            "see what --verbose says, and choose other ids with --as or another --workdir",
        ) from error


def _bound(there: Visit, bounding: int) -> None:
    """Let execve give no capability that isn't in a set."""
    there.say(f"prctl(PR_CAPBSET_DROP, all but {bounding:#x})")
    prctl.shrink_bounding_set(bounding)
    permitted = capabilities.permitted()
    capabilities.set_sets(permitted, permitted, 0)
    prctl.clear_ambient_set()


def _become(there: Visit) -> None:
    uid, gid = there.request.uid, there.request.gid
    there.say(f"setgroups(), setresgid({gid}), setresuid({uid})")
    with suppress(PermissionError):  # where setgroups(2) is given up (user_namespaces(7)) we keep ours
        os.setgroups(())
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    prctl.set_dumpable(False)
    prctl.set_parent_death_signal(signal.SIGKILL if there.is_child else 0)  # changing ids has made the kernel forget it


def _execute(there: Visit) -> NoReturn:
    if there.root is None:
        execute(there.argv, dict(os.environ), there.say)
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment = {"PATH": DEFAULT_PATH, "HOME": "/root", **kept}  # our own may hold what is none of theirs
    argv = there.argv if there.argv[0] else (next((path for path in _SHELLS if os.path.exists(path)), _SHELLS[-1]),)
    execute(argv, environment, there.say)


def _wanted(order: VisitOrder) -> tuple[str, ...]:
    return order.request.kinds or tuple(namespaces.FLAG_BY_ENTRY)


def _bounding_set(pid: int) -> int:
    """All capabilities that a process could have (proc_pid_status(5), ``CapBnd``)."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd:"))


def _is_elsewhere(order: VisitOrder, kind: str) -> bool:
    """Whether the target's namespace isn't ours; entering one's own is pointless, and for a user namespace an error.

    Raises:
        NotFound: the target has ended: a zombie is in no namespace any more, and staying here instead would be wrong.
        Unsupported: we may not look, or this kernel doesn't have what was named.
    """
    try:
        own = namespaces.inode("self", kind)
    except FileNotFoundError as error:
        if kind in order.request.kinds:
            raise Unsupported(f"this kernel has no {kind} namespaces", "name others") from error
        return False
    try:
        return namespaces.inode(order.pid, kind) != own
    except FileNotFoundError as error:
        raise _ended(order) from error
    except OSError as error:
        raise _refused(f"stat(/proc/{order.pid}/ns/{kind})", error) from error


def _ended(order: VisitOrder) -> NotFound:
    return NotFound(f"{order.request.target} has ended", "see what runs with: boxdeck ps, boxdeck ns ls")


def _refused(call: str, error: OSError) -> Unsupported:
    return Unsupported(
        f"{call} is refused ({os.strerror(error.errno or 0).lower()})",
        "become root, or enter its user namespace as well",
    )

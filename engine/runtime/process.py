"""From a privileged Python process to the program a container was asked to run: the last steps before execve.

Whoever holds privileges over the host calls `grant` from outside, because the process itself has none any more in its
user namespace. Everything else the process does itself: `become` and then `execute`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from engine.errors import CommandNotExecutable, CommandNotFound, RuntimeFailure, Unsupported
from engine.linux import capabilities, descriptors, prctl, trace
from engine.oci.linux_spec import Linux
from engine.oci.process_spec import Capabilities, Process
from engine.runtime import attributes, seccomp
from engine.runtime.seccomp import Filter

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EXECUTABLE = 0o111
_SYS_ADMIN = 1 << capabilities.NUMBERS["CAP_SYS_ADMIN"]


def become(
    process: Process,
    filter: Filter | None = None,
    notify: Callable[[int], None] | None = None,
    *,
    linux: Linux | None = None,
    is_bounded: bool = False,
    last: Callable[[], None] | None = None,
) -> None:
    """Take on everything that `process` asks for but its program (config.md, "Process").

    Args:
        filter: of system calls. What is still to be done when it is loaded must get through it: with
            noNewPrivileges only execve, otherwise also the last change of capabilities.
        notify: gets the listener of a filter that notifies.
        linux: for what ``process`` doesn't say itself: personality and memory policy.
        is_bounded: `limit_bounding_set` has been called.
        last: called as the user, at the last moment before the filter.

    Raises:
        BoxdeckError: with what can't be done.
    """
    attributes.take_on(process, linux or Linux())
    wanted = process.capabilities or Capabilities()
    is_inside = _enter(process.cwd)
    if not is_bounded:
        limit_bounding_set(process)
    _become_user(process)
    if not is_inside and not _enter(process.cwd):
        raise RuntimeFailure(
            f"the working directory {process.cwd} can't be entered (permission denied)", "choose another with --workdir"
        )
    attributes.limit(process)
    if last is not None:
        last()
    if filter is not None and not process.no_new_privileges:
        _load_while_privileged(filter, notify)
    _set_capabilities(wanted)
    if process.no_new_privileges:
        prctl.set_no_new_privileges()
        if filter is not None:
            _load(filter, notify)


def limit_bounding_set(process: Process) -> None:
    """Give up all that the bounding set of `process` doesn't name; best while waiting for something else.

    Raises:
        Unsupported: without CAP_SETPCAP.
    """
    wanted = process.capabilities or Capabilities()
    try:
        prctl.shrink_bounding_set(capabilities.known(wanted.bounding))
    except OSError as error:
        raise Unsupported(
            "capabilities can't be given up without CAP_SETPCAP", "run Boxdeck as root, with all capabilities"
        ) from error


def unavailable(process: Process, own_user_namespace: bool) -> tuple[str, ...]:
    """Capabilities that `process` asks for and won't get, for the caller to warn of (config.md, "capabilities").

    Args:
        own_user_namespace: whether it will be in one, where it has all that the kernel knows.
    """
    wanted = process.capabilities or Capabilities()
    known = (1 << capabilities.last_known() + 1) - 1
    granted = _grantable(wanted, known if own_user_namespace else capabilities.permitted() & known)
    asked = (wanted.effective, wanted.permitted, wanted.inheritable, wanted.ambient, wanted.bounding)
    missing = (name for names, mask in zip(asked, granted, strict=True) for name in names if not _is_in(name, mask))
    return tuple(dict.fromkeys(missing))


def _is_in(name: str, mask: int) -> bool:
    return bool(capabilities.known((name,)) & mask)


class _Grant(NamedTuple):
    """The five sets as the kernel allows them, as masks."""

    effective: int
    permitted: int
    inheritable: int
    ambient: int
    bounding: int


def _grantable(wanted: Capabilities, held: int) -> _Grant:
    """What is left of sets for somebody who has no more than `held` (capabilities(7), "Thread capability sets")."""
    bounding, permitted = capabilities.known(wanted.bounding) & held, capabilities.known(wanted.permitted) & held
    inheritable = capabilities.known(wanted.inheritable) & bounding
    return _Grant(
        effective=capabilities.known(wanted.effective) & permitted,
        permitted=permitted,
        inheritable=inheritable,
        ambient=capabilities.known(wanted.ambient) & permitted & inheritable,
        bounding=bounding,
    )


def execute(process: Process, preserved: int = 0) -> NoReturn:
    """Replace this Python by the program, looked up in the PATH of its own environment.

    Args:
        preserved: how many descriptors from 3 on it inherits.

    Raises:
        CommandNotFound: no such file, in none of the folders of PATH.
        CommandNotExecutable: there is one, but it can't be executed.
    """
    descriptors.close_on_exec(3 + preserved)
    environment = _environment(process)
    denied: OSError | None = None
    for candidate in _candidates(process.args[0], environment.get("PATH", DEFAULT_PATH)):
        try:
            _execve(candidate, process.args, environment)
        except (FileNotFoundError, NotADirectoryError) as error:
            if os.path.exists(candidate):  # it is there: what is missing is the interpreter that it names
                denied = error
        except OSError as error:
            denied = error
    if denied is None:
        raise _not_found(process)
    raise _not_executable(process, _reason(denied))


def require_command(process: Process) -> None:
    """Look whether the program is there, and is one: callers of ``create`` want to be told by that, not by ``start``.

    Raises:
        CommandNotFound: no such file, in none of the folders of PATH.
        CommandNotExecutable: there is one, but nobody may execute it.
    """
    is_there = False
    for candidate in _candidates(process.args[0], _environment(process).get("PATH", DEFAULT_PATH)):
        try:
            found = os.stat(os.path.join(process.cwd, candidate))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:  # whoever executes it will see
            return
        if stat.S_ISREG(found.st_mode) and found.st_mode & _EXECUTABLE:
            return
        is_there = True
    raise _not_executable(process, "permission denied") if is_there else _not_found(process)


def _not_found(process: Process) -> CommandNotFound:
    return CommandNotFound(
        f"the command {process.args[0]!r} doesn't exist in the container", "check the spelling, or the image's PATH"
    )


def _not_executable(process: Process, reason: str) -> CommandNotExecutable:
    return CommandNotExecutable(
        f"the command {process.args[0]!r} can't be executed ({reason})",
        "it needs the execute bit, this machine's architecture and an interpreter that is in the image",
    )


def _execve(path: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    begun, shown = trace.now(), (path, arguments, len(environment))
    trace.note(begun, "execve", shown, trace.PENDING)
    trace.hand_over()
    begun = trace.now()
    try:
        os.execve(path, list(arguments), environment)
    except OSError as error:
        trace.note(begun, "execve", shown, -(error.errno or 0))
        raise


def _environment(process: Process) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in process.env if "=" in entry)


def _candidates(name: str, path: str) -> list[str]:
    if "/" in name:
        return [name]
    return [f"{folder or '.'}/{name}" for folder in path.split(":")] if name else []


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "its interpreter is missing"
    return os.strerror(error.errno or 0).lower()


def _become_user(process: Process) -> None:
    user = process.user
    os.umask(0o022 if user.umask is None else user.umask)
    if user.uid:
        prctl.keep_capabilities(True)  # until execve, which forgets it; what isn't wanted goes before
    try:
        trace.call(os.setgroups, user.additional_gids)
        trace.call(os.setresgid, user.gid, user.gid, user.gid)
        trace.call(os.setresuid, user.uid, user.uid, user.uid)
    except OSError as error:
        raise RuntimeFailure(
            f"the process can't become user {user.uid}:{user.gid} ({error.strerror})",
            "choose ids that the container's user namespace maps",
        ) from error


def _enter(folder: str) -> bool:
    """Make a folder the working directory; False where this user may not enter it, but perhaps another may."""
    try:
        trace.call(os.chdir, folder)
        os.getcwd()  # fails where no path leads to: a link of /proc that would have led out of the container
    except PermissionError:
        return False
    except OSError as error:
        raise RuntimeFailure(
            f"the working directory {folder} can't be entered ({os.strerror(error.errno or 0).lower()})",
            "choose another with --workdir",
        ) from error
    return True


def _load_while_privileged(filter: Filter, notify: Callable[[int], None] | None) -> None:
    """Without noNewPrivileges, seccomp(2) wants CAP_SYS_ADMIN, which a change from uid 0 has made ineffective."""
    held = capabilities.permitted()
    capabilities.set_sets(_SYS_ADMIN & held, held, 0)
    _load(filter, notify)


def _load(filter: Filter, notify: Callable[[int], None] | None) -> None:
    listener = seccomp.load(filter)
    if listener is not None and notify is not None:
        notify(listener)


def _set_capabilities(wanted: Capabilities) -> None:
    try:
        _set_sets(wanted, ~0)
    except PermissionError:  # config.md, "capabilities": what can't be granted is no failure
        _set_sets(wanted, capabilities.permitted())


def _set_sets(wanted: Capabilities, held: int) -> None:
    """The five sets, as far as we have them ourselves."""
    grant = _grantable(wanted, held)
    capabilities.set_sets(grant.effective, grant.permitted, grant.inheritable)
    if grant.inheritable:  # otherwise there is no ambient capability either
        prctl.clear_ambient_set()
        _raise_ambient(grant.ambient)


def _raise_ambient(mask: int) -> None:
    for number in range(mask.bit_length()):
        if mask >> number & 1:
            prctl.raise_ambient(number)

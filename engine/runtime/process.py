"""From a privileged Python process to the program a container was asked to run: the last steps before execve."""

from __future__ import annotations

import os
import resource
from typing import NoReturn

from engine.errors import CommandNotExecutable, CommandNotFound, InvalidRequest, RuntimeFailure
from engine.linux import capabilities, descriptors, prctl
from engine.oci.runtime_spec import Capabilities, Process, Rlimit

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def become(process: Process) -> None:
    """Take on the limits, ids, capabilities and working directory of `process` (config.md, "Process").

    Raises:
        BoxdeckError: with what can't be done.
    """
    for limit in process.rlimits:
        _set_rlimit(limit)
    wanted = process.capabilities or Capabilities()
    _shrink_bounding_set(wanted)
    _become_user(process)
    _enter(process.cwd)  # as that user: a folder that it may not enter is an error, as in runc
    _set_capabilities(wanted)
    if process.no_new_privileges:
        prctl.set_no_new_privileges()


def execute(process: Process) -> NoReturn:
    """Replace this Python by the program, looked up in the PATH of its own environment.

    Raises:
        CommandNotFound: no such file, in none of the folders of PATH.
        CommandNotExecutable: there is one, but it can't be executed.
    """
    descriptors.close_on_exec()
    environment = dict(entry.split("=", 1) for entry in process.env if "=" in entry)
    denied: OSError | None = None
    for candidate in _candidates(process.args[0], environment.get("PATH", DEFAULT_PATH)):
        try:
            os.execve(candidate, list(process.args), environment)
        except (FileNotFoundError, NotADirectoryError) as error:
            if os.path.exists(candidate):  # it is there: what is missing is the interpreter that it names
                denied = error
        except OSError as error:
            denied = error
    if denied is None:
        raise CommandNotFound(
            f"the command {process.args[0]!r} doesn't exist in the container",
            "check the spelling, or the image's PATH",
        )
    raise CommandNotExecutable(
        f"the command {process.args[0]!r} can't be executed ({_reason(denied)})",
        "it needs the execute bit, this machine's architecture and an interpreter that is in the image",
    )


def _candidates(name: str, path: str) -> list[str]:
    if "/" in name:
        return [name]
    return [f"{folder or '.'}/{name}" for folder in path.split(":")] if name else []


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "its interpreter is missing"
    return os.strerror(error.errno or 0).lower()


def _set_rlimit(limit: Rlimit) -> None:
    number = getattr(resource, limit.type, None)
    if number is None:
        raise InvalidRequest(f"there is no resource limit {limit.type}", "see getrlimit(2) for their names")
    try:
        resource.setrlimit(number, (limit.soft, limit.hard))
    except (OSError, ValueError) as error:
        raise RuntimeFailure(f"the limit {limit.type} can't be set to {limit.soft}:{limit.hard} ({error})") from error


def _shrink_bounding_set(wanted: Capabilities) -> None:
    keep = _mask(wanted.bounding)
    for number in range(capabilities.last_known() + 1):
        if not keep >> number & 1:
            prctl.drop_from_bounding_set(number)


def _become_user(process: Process) -> None:
    user = process.user
    os.umask(0o022 if user.umask is None else user.umask)
    prctl.keep_capabilities(True)
    try:
        os.setgroups(user.additional_gids)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        raise RuntimeFailure(
            f"the process can't become user {user.uid}:{user.gid} ({error.strerror})",
            "choose ids that the container's user namespace maps",
        ) from error
    prctl.keep_capabilities(False)


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
        os.getcwd()  # fails where no path leads to: a link of /proc that would have led out of the container
    except OSError as error:
        raise RuntimeFailure(
            f"the working directory {folder} can't be entered ({os.strerror(error.errno or 0).lower()})",
            "choose another with --workdir",
        ) from error


def _set_capabilities(wanted: Capabilities) -> None:
    capabilities.set_sets(_mask(wanted.effective), _mask(wanted.permitted), _mask(wanted.inheritable))
    prctl.clear_ambient_set()
    for name in wanted.ambient:
        prctl.raise_ambient(capabilities.NUMBERS[name])


def _mask(names: tuple[str, ...]) -> int:
    try:
        return capabilities.mask(names)
    except KeyError as error:
        raise InvalidRequest(
            f"there is no capability {error.args[0]}", "see capabilities(7) for their names"
        ) from error

"""What `exec` runs: the container's own process description, changed by what the request says."""

from __future__ import annotations

import os
import stat

from engine.errors import InvalidRequest
from engine.images.users import resolve_user
from engine.linux.paths import open_in_root
from engine.model import ExecRequest
from engine.oci.runtime_spec import ConsoleSize, Process, Spec, User
from engine.runtime.process import DEFAULT_PATH
from engine.runtime.spec import default_capabilities, require_text, with_variables

_NAMES_FILE_LIMIT = 1 << 20


def compile_exec(spec: Spec, pid: int | None, request: ExecRequest) -> Process:
    """The process that a request means in a running container.

    Args:
        pid: of the container's first process, whose root is looked into for user names.

    Raises:
        InvalidRequest: a user that the container doesn't have, a variable that is none, nothing to run.
    """
    assert spec.process is not None
    require_text(request)
    if not request.argv:
        raise InvalidRequest("there is no command to run", "name one after the container")
    user, home = _user(spec.process, pid, request)
    return Process(
        args=request.argv,
        cwd=request.working_dir or spec.process.cwd,
        user=user,
        env=_environment(spec.process, request, home),
        terminal=request.tty,
        console_size=ConsoleSize(height=request.rows, width=request.columns) if request.tty else None,
        capabilities=default_capabilities(user.uid),
    )


def _user(process: Process, pid: int | None, request: ExecRequest) -> tuple[User, str | None]:
    """Who it runs as; with another user than the container's also the home directory."""
    if request.user is None:
        return process.user, None
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = resolve_user(request.user, _read(root, "etc/passwd"), _read(root, "etc/group"))
    finally:
        os.close(root)
    return User(uid=found.uid, gid=found.gid, additional_gids=found.additional_gids), found.home


def _environment(process: Process, request: ExecRequest, home: str | None) -> tuple[str, ...]:
    merged = dict(entry.split("=", 1) for entry in process.env if "=" in entry)
    merged.setdefault("PATH", DEFAULT_PATH)
    if home is not None:
        merged["HOME"] = home
    if request.tty:
        merged.setdefault("TERM", "xterm")
    return with_variables(merged, request.env)


def _read(root: int, path: str) -> bytes:
    """A small file inside a container, whose links can't lead out of it; empty when there is no such file."""
    try:
        descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _NAMES_FILE_LIMIT) if regular else b""
    finally:
        os.close(descriptor)

"""What `exec` runs: the container's own process description, changed by what the request says."""

from __future__ import annotations

from msgspec.structs import replace

from engine import container_files
from engine.compile import capabilities
from engine.compile.command import absolute, require_text, with_variables
from engine.errors import InvalidRequest
from engine.images.users import resolve_user
from engine.model import ExecRequest
from engine.oci.process_spec import ConsoleSize, Process, User
from engine.oci.runtime_spec import Spec
from engine.runtime.process import DEFAULT_PATH


def compile_exec(spec: Spec, pid: int | None, request: ExecRequest) -> Process:
    """The process that a request means in a running container.

    Args:
        pid: of the container's first process, whose root is looked into for user names.

    Raises:
        InvalidRequest: a user that the container doesn't have, a variable that is none, a relative folder,
            nothing to run.
    """
    assert spec.process is not None
    require_text(request)
    if not request.argv:
        raise InvalidRequest("there is no command to run", "name one after the container")
    user, home = _user(spec.process, pid, request)
    return replace(
        spec.process,
        args=request.argv,
        cwd=absolute(request.working_dir or spec.process.cwd),
        user=user,
        env=_environment(spec.process, request, home),
        terminal=request.tty,
        console_size=ConsoleSize(height=request.rows, width=request.columns) if request.tty else None,
        capabilities=capabilities.sets(_capabilities(spec, request), user.uid),
    )


def _capabilities(spec: Spec, request: ExecRequest) -> tuple[str, ...]:
    """Those that the container may have at most, or all."""
    if request.privileged:
        return capabilities.everything(spec.linux is not None and spec.linux.namespace("user") is not None)
    process = spec.process
    return process.capabilities.bounding if process is not None and process.capabilities is not None else ()


def _user(process: Process, pid: int | None, request: ExecRequest) -> tuple[User, str | None]:
    """Who it runs as; with another user than the container's also the home directory."""
    if request.user is None:
        return process.user, None
    passwd, group = (container_files.read(pid, path) for path in ("etc/passwd", "etc/group"))
    found = resolve_user(request.user, passwd, group)
    return User(uid=found.uid, gid=found.gid, additional_gids=found.additional_gids), found.home


def _environment(process: Process, request: ExecRequest, home: str | None) -> tuple[str, ...]:
    merged = dict(entry.split("=", 1) for entry in process.env if "=" in entry)
    merged.setdefault("PATH", DEFAULT_PATH)
    if home is not None:
        merged["HOME"] = home
    if request.tty:
        merged.setdefault("TERM", "xterm")
    return with_variables(merged, request.env)

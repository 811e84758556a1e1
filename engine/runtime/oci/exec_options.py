"""The flags of ``exec``, and the process that they describe."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from engine.errors import InvalidRequest, NotFound
from engine.oci.process_spec import Capabilities, Process, User
from engine.oci.runtime_spec import Spec, decode_part
from engine.runtime.oci.flags import Flag

FLAGS = (
    Flag("console-socket", "text", "send the master of the process's terminal to this socket"),
    Flag("cwd", "text", "its working directory"),
    Flag("env", "list", "a variable as NAME=VALUE, beside those of the container's process", "e"),
    Flag("tty", "switch", "give it a terminal", "t"),
    Flag("user", "text", "its user as UID[:GID]", "u"),
    Flag("additional-gids", "list", "a further group", "g"),
    Flag("process", "text", "read the process from this file, in the form of config.json", "p"),
    Flag("detach", "switch", "don't wait for its end", "d"),
    Flag("pid-file", "text", "write its process id to this file"),
    Flag("process-label", "text", "its SELinux label"),
    Flag("apparmor", "text", "its AppArmor profile"),
    Flag("no-new-privs", "switch", "execve never gives it more privileges"),
    Flag("cap", "list", "a capability more than the container's process has", "c"),
    Flag("preserve-fds", "text", "let it inherit this many descriptors from 3 on"),
    Flag("cgroup", "list", "run it in this control group below the container's"),
    Flag("ignore-paused", "switch", "also in a container that is paused: it begins when that is resumed"),
    Flag("no-subreaper", "switch"),
)


class ExecOptions(Struct, frozen=True, kw_only=True):
    """The flags of `FLAGS`."""

    console_socket: str = ""
    cwd: str = ""
    env: tuple[str, ...] = ()
    tty: bool = False
    user: str = ""
    additional_gids: tuple[int, ...] = ()
    process: str = ""
    detach: bool = False
    pid_file: str = ""
    process_label: str = ""
    apparmor: str = ""
    no_new_privs: bool = False
    cap: tuple[str, ...] = ()
    preserve_fds: int = 0
    cgroup: tuple[str, ...] = ()
    ignore_paused: bool = False
    no_subreaper: bool = False


def process_of(options: ExecOptions, command: Sequence[str], spec: Spec) -> Process:
    """The process to run: a file's, or the container's own with another command and what the flags change.

    Raises:
        InvalidRequest: there is no command, or a flag's value is wrong.
        NotFound: there is no such file.
    """
    own = spec.process or Process(cwd="/")
    if options.process:
        return _completed(_read(options.process), own)
    if not command:
        raise InvalidRequest("exec has no command to run", "boxdeck-oci exec ID COMMAND, or --process FILE")
    return structs.replace(
        own,
        args=tuple(command),
        cwd=options.cwd or own.cwd,
        env=(*own.env, *options.env),
        terminal=options.tty,
        console_size=None,
        user=_user(options, own.user),
        capabilities=_capabilities(options.cap, own.capabilities),
        no_new_privileges=options.no_new_privs or own.no_new_privileges,
        apparmor_profile=options.apparmor or own.apparmor_profile,
        selinux_label=options.process_label or own.selinux_label,
    )


def _completed(process: Process, own: Process) -> Process:
    """What confines a process is the container's own where nothing is said of it, as with other runtimes."""
    return structs.replace(
        process,
        capabilities=own.capabilities if process.capabilities is None else process.capabilities,
        apparmor_profile=process.apparmor_profile or own.apparmor_profile,
        selinux_label=process.selinux_label or own.selinux_label,
    )


def _read(path: str) -> Process:
    try:
        with open(path, "rb") as file:
            return decode_part(file.read(), Process, path)
    except OSError as error:
        raise NotFound(f"{path} can't be read ({error.strerror})", "name a file with --process") from error


def _user(options: ExecOptions, own: User) -> User:
    gids = own.additional_gids + options.additional_gids
    if not options.user:
        return structs.replace(own, additional_gids=gids)
    uid, _, gid = options.user.partition(":")
    if not uid.isdecimal() or (gid and not gid.isdecimal()):
        raise InvalidRequest(f"{options.user!r} is no user", "write it as UID or UID:GID")
    return structs.replace(own, uid=int(uid), gid=int(gid) if gid else own.gid, additional_gids=gids)


def _capabilities(names: Sequence[str], own: Capabilities | None) -> Capabilities | None:
    if not names:
        return own
    own = own or Capabilities()
    more = tuple(names)
    return structs.replace(
        own,
        bounding=own.bounding + more,
        effective=own.effective + more,
        permitted=own.permitted + more,
    )

"""``linux.seccomp`` of a ``config.json``, from the rules to a filter in the kernel (config-linux.md, "Seccomp").

`prepare` runs outside the container and compiles, `load` runs in the process itself and only hands over what was
compiled, `send_listener` passes what the kernel asks on to the agent that decides about ``SCMP_ACT_NOTIFY``.
"""

from __future__ import annotations

import os
import platform
import socket
import struct
from typing import NamedTuple

import msgspec
from msgspec import Struct

from engine.errors import InvalidRequest, RuntimeFailure, Unsupported
from engine.linux import seccomp as kernel
from engine.oci.seccomp_spec import Seccomp, decode, encode
from engine.runtime import seccomp_cache

_SETTINGS = struct.Struct("=II")  # beside a cached program: flags, and whether it notifies
_FORM = b"3"  # of compiled programs; another number makes every cached one an old one
_FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 0,  # a process that becomes a container's has one thread
    "SECCOMP_FILTER_FLAG_LOG": kernel.FLAG_LOG,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": kernel.FLAG_SPEC_ALLOW,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": kernel.FLAG_WAIT_KILLABLE_RECV,
}


class Filter(NamedTuple):
    """A filter ready to be loaded.

    Attributes:
        program: an array of struct sock_filter.
        flags: of seccomp(2).
        notifies: loading it gives a listener, which somebody must have before a call waits for an answer.
    """

    program: bytes
    flags: int
    notifies: bool


class _ProcessState(Struct, frozen=True, kw_only=True, rename="camel"):
    """config-linux.md, "The Container Process State"."""

    oci_version: str
    fds: tuple[str, ...]
    pid: int
    metadata: str
    state: msgspec.Raw


class _State(Struct, frozen=True, rename="camel"):
    oci_version: str
    pid: int = 0


def prepare_text(text: msgspec.Raw, cache: str | None) -> Filter | None:
    """Compile a filter as it is written in ``config.json``, or find it compiled in the folder `cache`.

    A text that was compiled before isn't even read. The folder is made when it is missing.

    Returns:
        None for a container without a filter.

    Raises:
        InvalidRequest: the rules can't be meant.
        Unsupported: libseccomp is missing, or it or the kernel lacks what the rules need.
    """
    if not text:
        return None
    key = seccomp_cache.key_of(_FORM + platform.machine().encode() + bytes(text))
    found = seccomp_cache.find(cache, key) if cache else None
    if found is not None:
        flags, notifies = _SETTINGS.unpack_from(found)
        return Filter(found[_SETTINGS.size :], flags, bool(notifies))
    wanted = decode(text)
    return _compile(wanted, cache, key) if wanted is not None else None


def prepare(wanted: Seccomp, cache: str | None) -> Filter:
    """The same for a filter that isn't written down.

    Raises:
        BoxdeckError: as `prepare_text`.
    """
    made = prepare_text(encode(wanted), cache)
    assert made is not None
    return made


def _compile(wanted: Seccomp, cache: str | None, key: bytes) -> Filter:
    from engine.runtime import seccomp_rules  # which, like libseccomp, hardly ever is needed

    notifies = any(call.action == "SCMP_ACT_NOTIFY" for call in wanted.syscalls)
    _check_listener(wanted, notifies)
    flags = _flags(wanted, notifies)
    library = seccomp_rules.load_library()
    program = seccomp_rules.program_of(wanted, library)
    if cache:
        seccomp_cache.file(cache, key, _SETTINGS.pack(flags, notifies) + program, library.path)
    return Filter(program, flags, notifies)


def load(filter: Filter) -> int | None:
    """Put this process under a filter, for ever.

    Returns:
        The listener of a filter that notifies; execve closes it.

    Raises:
        Unsupported: the kernel has no seccomp or not all that the filter needs, or we may not.
    """
    flags = filter.flags | (kernel.FLAG_NEW_LISTENER if filter.notifies else 0)
    try:
        listener = kernel.set_filter(filter.program, flags)
    except OSError as error:
        raise Unsupported(
            f"the filter of system calls can't be loaded ({os.strerror(error.errno or 0).lower()})",
            "it needs a kernel with CONFIG_SECCOMP_FILTER, and CAP_SYS_ADMIN or noNewPrivileges",
        ) from error
    return listener if filter.notifies else None


def send_listener(descriptor: int, wanted: Seccomp, state_json: bytes, pid: int | None = None) -> None:
    """Hand a listener to the agent at ``listenerPath`` (config-linux.md, "The Container Process State").

    Args:
        state_json: the container's state, as a hook gets it.
        pid: of the process under the filter, as we see it; None for that of the state.

    Raises:
        RuntimeFailure: no agent listens there.
    """
    state = msgspec.json.decode(state_json, type=_State)
    message = msgspec.json.encode(
        _ProcessState(
            oci_version=state.oci_version,
            fds=("seccompFd",),
            pid=state.pid if pid is None else pid,
            metadata=wanted.listener_metadata,
            state=msgspec.Raw(state_json),
        )
    )
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as agent:
            agent.connect(wanted.listener_path)
            sent = socket.send_fds(agent, [message], [descriptor])
            if sent < len(message):  # sending nothing fails where the agent has hung up already
                agent.sendall(message[sent:])
    except OSError as error:
        raise RuntimeFailure(
            f"the seccomp agent at {wanted.listener_path} can't be reached ({os.strerror(error.errno or 0).lower()})",
            "start it, or correct linux.seccomp.listenerPath",
        ) from error


def _check_listener(wanted: Seccomp, notifies: bool) -> None:
    if wanted.listener_metadata and not wanted.listener_path:
        raise InvalidRequest("seccomp has a listenerMetadata without a listenerPath", "give both or neither")
    if notifies and not wanted.listener_path:
        raise InvalidRequest("SCMP_ACT_NOTIFY has no agent to ask", "say where it listens in seccomp.listenerPath")
    if wanted.default_action == "SCMP_ACT_NOTIFY":
        raise InvalidRequest("SCMP_ACT_NOTIFY can't be seccomp's default action", "name the calls to be asked about")
    for call in wanted.syscalls:
        if call.action == "SCMP_ACT_NOTIFY" and "sendmsg" in call.names:  # it would wait for an answer from nobody
            raise InvalidRequest("SCMP_ACT_NOTIFY can't stop sendmsg", "the agent gets its descriptor by that call")


def _flags(wanted: Seccomp, notifies: bool) -> int:
    flags = 0
    for name in wanted.flags:
        flags |= _FLAGS[name]
    return flags if notifies else flags & ~kernel.FLAG_WAIT_KILLABLE_RECV  # EINVAL where nobody listens

"""Which namespaces a container has for itself, shares with another container, or with the host."""

from __future__ import annotations

import re
from typing import Literal

from engine.compile.placement import Placement
from engine.errors import InvalidRequest
from engine.model import Attachment, ContainerRequest
from engine.oci.linux_spec import Namespace, NamespaceType, TimeOffset

JOINED = "container:"
_CHOICES = {
    "pid": ("private", "host", JOINED),
    "ipc": ("private", "shareable", "none", "host", JOINED),
    "uts": ("private", "host"),
    "cgroupns": ("private", "host"),
}
_ENTRIES = {"network": "net", "pid": "pid", "ipc": "ipc", "user": "user"}
_JOINED_PATH = re.compile(rf"{JOINED}([0-9a-f]+)(/.*)?")


def check_modes(request: ContainerRequest) -> None:
    """Refuse words that stand for no namespace.

    Raises:
        InvalidRequest: with the words that there are.
    """
    check_network(request)
    for option, choices in _CHOICES.items():
        mode = str(getattr(request, option))
        joins = JOINED in choices and target(mode) != ""
        if not joins and (mode not in choices or mode == JOINED):
            words = ", ".join(f"{choice}NAME" if choice == JOINED else choice for choice in choices)
            raise InvalidRequest(f"--{option} {mode} is not possible", f"choose one of {words}")


def check_network(request: ContainerRequest) -> None:
    """Refuse a network mode that can't be, and what contradicts it; whether a network is there is seen later.

    Raises:
        InvalidRequest: with what to write instead.
    """
    mode = request.network
    if mode in ("", JOINED):
        words = f"choose one of none, host, {JOINED}NAME, or a network"
        raise InvalidRequest(f"--network {mode!r} is not possible", words)
    names = [attachment.network for attachment in request.attachments]
    alone = next((name for name in (mode, *names) if not is_network(name)), None)
    if alone is not None and names:
        what = "on another network" if len(names) > 1 else "given addresses or further names"
        raise InvalidRequest(f"a container with --network {alone} can't be {what}", f"leave out --network {alone}")
    if names and names[0] != mode:
        raise InvalidRequest(f"the first network is {names[0]} and not {mode}", "name the same one")
    if len(set(names)) < len(names):
        raise InvalidRequest("a network is named twice", "name each once")


def is_network(mode: str) -> bool:
    """Whether a mode is the name of a network."""
    return mode not in ("none", "host") and not mode.startswith(JOINED)


def attachments(request: ContainerRequest) -> tuple[Attachment, ...]:
    """How the container is to be on its networks, the first one first; empty where it is on none of its own."""
    if request.attachments or not is_network(request.network):
        return request.attachments
    return (Attachment(network=request.network),)


def target(mode: str) -> str:
    """The container that a mode such as ``container:web`` names; empty for any other."""
    return mode.removeprefix(JOINED) if mode.startswith(JOINED) else ""


def targets(request: ContainerRequest) -> dict[str, str]:
    """The containers whose namespaces are joined, by option: network, pid, ipc."""
    modes = {"network": request.network, "pid": request.pid, "ipc": request.ipc}
    return {option: target(mode) for option, mode in modes.items() if target(mode)}


def namespaces(request: ContainerRequest, placement: Placement) -> tuple[Namespace, ...]:
    """The namespaces of ``config.json``; paths of joined ones are `joined_path`, until the container starts."""
    chosen: list[Namespace] = [Namespace(type="mount")]
    modes: tuple[tuple[NamespaceType, str], ...] = (
        ("uts", request.uts), ("ipc", request.ipc), ("pid", request.pid), ("cgroup", request.cgroupns),
        ("network", request.network),
    )  # fmt: skip
    for kind, mode in modes:
        if mode != "host":
            chosen.append(Namespace(type=kind, path=joined_path(kind, target(mode)) if target(mode) else ""))
    if placement.ids.own_user_namespace:
        joined = placement.ids.joined
        chosen.append(Namespace(type="user", path=joined_path("user", joined) if joined else ""))
    if request.time_namespace:
        chosen.append(Namespace(type="time"))
    return tuple(chosen)


def joined_path(kind: NamespaceType, container_id: str) -> str:
    """A stand-in for the path of another container's namespace, which is known while that one runs."""
    return f"{JOINED}{container_id}/ns/{_ENTRIES[kind]}"


def resolved(path: str, pids: dict[str, int]) -> str:
    """A path with the stand-in for a container replaced by its process; other paths stay."""
    found = _JOINED_PATH.fullmatch(path)
    return f"/proc/{pids[found[1]]}{found[2] or ''}" if found else path


def time_offsets(request: ContainerRequest) -> dict[Literal["monotonic", "boottime"], TimeOffset]:
    """What is added to the clocks of a time namespace.

    Raises:
        InvalidRequest: there is no such namespace.
    """
    if request.boot_offset_seconds and not request.time_namespace:
        raise InvalidRequest("a boot offset needs a time namespace", "add --time-namespace")
    if not request.boot_offset_seconds:
        return {}
    offset = TimeOffset(secs=request.boot_offset_seconds)
    return {"boottime": offset, "monotonic": offset}

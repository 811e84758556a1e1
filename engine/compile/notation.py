"""Docker's words for mounts, devices and limits (docker run(1)), as values."""

from __future__ import annotations

import os.path
import re
from typing import get_args

from engine.errors import InvalidRequest
from engine.options import BindMount, DeviceAccess, Propagation, TmpfsMount, Ulimit, VolumeMount

_PROPAGATION: frozenset[str] = frozenset(get_args(Propagation))
_FLAGS = frozenset(
    ("nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime", "nodiratime", "relatime", "nosymfollow")
)
_LABELS = frozenset(("z", "Z", "rw", "consistent", "cached", "delegated"))  # SELinux's, and what only macOS knows
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def size_bytes(text: str) -> int:
    """Bytes, such as ``512m``, ``1.5g`` or ``1048576``.

    Raises:
        InvalidRequest: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(f"{text!r} is not a size", "write it as 64m or 1.5g")
    number, unit = match.groups()
    return int(float(number) * 1024 ** _POWERS[unit.lower()])


def volume(text: str) -> BindMount | VolumeMount:
    """``HOST:CONTAINER[:OPTION,…]``, ``NAME:CONTAINER[:OPTION,…]`` or ``CONTAINER``.

    Options are such as ``ro``, ``rshared``, ``noexec``; of volumes ``ro`` and ``nocopy``.

    Raises:
        InvalidRequest: it isn't one.
    """
    source, has_destination, rest = text.partition(":")
    if source.startswith("/") and not has_destination:
        return VolumeMount(name="", destination=source)
    destination, _, options = rest.partition(":")
    if not source or not destination:
        raise InvalidRequest(f"{text!r} is not a volume", "write it as /on/the/host:/in/the/container")
    if not source.startswith(("/", ".", "~")):
        return _named_volume(source, destination, [option for option in options.split(",") if option], text)
    bind = BindMount(source=os.path.abspath(os.path.expanduser(source)), destination=destination)
    return _with_options(bind, [option for option in options.split(",") if option], text)


def _named_volume(name: str, destination: str, options: list[str], text: str) -> VolumeMount:
    unknown = [option for option in options if option not in _LABELS | {"ro", "rw", "nocopy"}]
    if unknown:
        raise InvalidRequest(f"{unknown[0]!r} in {text!r} is not an option of a volume", "see: boxdeck run --help")
    return VolumeMount(name=name, destination=destination, read_only="ro" in options, copies="nocopy" not in options)


def _with_options(bind: BindMount, options: list[str], text: str) -> BindMount:
    flags = tuple(option for option in options if option in _FLAGS)
    unknown = [o for o in options if o not in _FLAGS | _LABELS | _PROPAGATION | {"ro", "bind", "rbind"}]
    if unknown:
        raise InvalidRequest(f"{unknown[0]!r} in {text!r} is not an option of a volume", "see: boxdeck run --help")
    propagation = next((option for option in reversed(options) if option in _PROPAGATION), "rprivate")
    return BindMount(
        source=bind.source,
        destination=bind.destination,
        read_only="ro" in options,
        recursive="bind" not in options,
        propagation=propagation,  # type: ignore[arg-type]  # it is one of them
        flags=flags,
    )


def tmpfs(text: str) -> TmpfsMount:
    """``PATH[:OPTION,…]``, with the options of mount(8) for tmpfs.

    Raises:
        InvalidRequest: there is no path.
    """
    path, _, options = text.partition(":")
    if not path:
        raise InvalidRequest(f"{text!r} is not a place", "write it as /in/the/container:size=64m")
    return TmpfsMount(destination=path, options=tuple(option for option in options.split(",") if option))


def device(text: str) -> DeviceAccess:
    """``HOST[:CONTAINER[:rwm]]`` or ``HOST:rwm``.

    Raises:
        InvalidRequest: it isn't one.
    """
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise InvalidRequest(f"{text!r} is not a device", "write it as /dev/fuse, or as HOST:CONTAINER:rwm")
    if len(parts) == 2 and not parts[1].startswith("/"):
        return DeviceAccess(source=parts[0], destination=parts[0], access=parts[1])
    destination = parts[1] if len(parts) > 1 and parts[1] else parts[0]
    return DeviceAccess(source=parts[0], destination=destination, access=parts[2] if len(parts) > 2 else "rwm")


def ulimit(text: str) -> Ulimit:
    """``NAME=SOFT[:HARD]``; -1 is no limit.

    Raises:
        InvalidRequest: it isn't one.
    """
    name, _, values = text.partition("=")
    soft, colon, hard = values.partition(":")
    try:
        return Ulimit(name=name, soft=int(soft), hard=int(hard) if colon else int(soft))
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is not a limit", "write it as nofile=1024:2048") from error


def sysctl(text: str) -> tuple[str, str]:
    """``NAME=VALUE``.

    Raises:
        InvalidRequest: it isn't one.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InvalidRequest(f"{text!r} is not a kernel parameter", "write it as net.ipv4.ip_forward=1")
    return name, value

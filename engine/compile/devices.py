"""The devices that a container may use: nodes to be made, and rules of the device cgroup."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from engine.errors import InvalidRequest
from engine.model import ContainerRequest
from engine.oci.linux_spec import Device
from engine.oci.resources_spec import LinuxDeviceCgroup
from engine.options import DeviceAccess

_ALL = LinuxDeviceCgroup(allow=True, access="rwm")
# What a container has of its own in /dev, or gets from elsewhere.
_NOT_THE_HOSTS = frozenset(
    ("console", "fd", "full", "hugepages", "mqueue", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero")
)


def nodes(request: ContainerRequest) -> tuple[Device, ...]:
    """Device nodes to be made beside the default ones.

    Raises:
        InvalidRequest: something that is asked for is no device.
    """
    wanted = [device for access in request.devices for device in _found(access)]
    if request.security.privileged:
        wanted += _every_one()
    return tuple({device.path: device for device in reversed(wanted)}.values())


def rules(request: ContainerRequest, default: tuple[LinuxDeviceCgroup, ...]) -> tuple[LinuxDeviceCgroup, ...]:
    """The device cgroup's rules: the default, then those of the request; a privileged container may use everything.

    Raises:
        InvalidRequest: a rule that can't be read.
    """
    if request.security.privileged:
        return (_ALL,)
    own = [_rule(device, access.access) for access in request.devices for device in _found(access)]
    return (*default, *own, *(parse_rule(text) for text in request.device_rules))


def parse_rule(text: str) -> LinuxDeviceCgroup:
    """A rule in the kernel's own words, such as ``c 10:200 rwm`` (cgroup-v1/devices.rst).

    Raises:
        InvalidRequest: it isn't one.
    """
    try:
        kind, numbers, access = text.split()
        major, minor = (None if word == "*" else int(word) for word in numbers.split(":"))
    except ValueError:
        kind, major, minor, access = "", None, None, ""
    if kind not in ("a", "b", "c") or not _is_access(access) or min(major or 0, minor or 0) < 0:
        raise InvalidRequest(f"{text!r} is not a rule for devices", "write it as: c 10:200 rwm")
    return LinuxDeviceCgroup(
        allow=True,
        type=kind,  # type: ignore[arg-type]  # it is one of them
        major=major,
        minor=minor,
        access=access,
    )


def _is_access(text: str) -> bool:
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def _rule(device: Device, access: str) -> LinuxDeviceCgroup:
    if not _is_access(access):
        raise InvalidRequest(f"{access!r} doesn't say how {device.path} may be used", "write r, w and m, such as rwm")
    return LinuxDeviceCgroup(
        allow=True, type="b" if device.type == "b" else "c", major=device.major, minor=device.minor, access=access
    )


def _found(access: DeviceAccess) -> Iterator[Device]:
    """The device, or all those in a folder and below."""
    try:
        if os.path.isdir(access.source):
            yield from _in_folder(access.source, access.destination)
            return
        node = _device(access.source, access.destination)
    except OSError as error:
        raise InvalidRequest(
            f"the device {access.source} can't be had ({(error.strerror or '').lower()})", "see: ls -l /dev"
        ) from error
    if node is None:
        raise InvalidRequest(f"{access.source} is not a device", "show files and folders with --volume")
    yield node


def _in_folder(source: str, destination: str) -> Iterator[Device]:
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            inside = f"{destination.rstrip('/')}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _in_folder(entry.path, inside)
            elif not entry.is_symlink() and (device := _device(entry.path, inside)):
                yield device


def _every_one() -> list[Device]:
    """All devices of the host's /dev."""
    found: list[Device] = []
    with os.scandir("/dev") as entries:
        for entry in entries:
            if entry.name in _NOT_THE_HOSTS or entry.is_symlink():
                continue
            if entry.is_dir(follow_symlinks=False):
                found += _in_folder(entry.path, entry.path)
            elif device := _device(entry.path, entry.path):
                found.append(device)
    return found


def _device(source: str, destination: str) -> Device | None:
    status = os.stat(source)
    if not (stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)):
        return None
    return Device(
        type="c" if stat.S_ISCHR(status.st_mode) else "b",
        path=os.path.normpath(destination),
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        file_mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )

"""Idmapped mounts: files shown with other owners than they have on disk (mount_setattr(2), "ID-mapped mounts")."""

from __future__ import annotations

import errno
import functools
import os

from msgspec import structs

from engine.errors import InvalidRequest, Unsupported
from engine.linux import mounts
from engine.oci.linux_spec import IdMapping, Linux
from engine.oci.runtime_spec import Mount
from engine.runtime import userns
from engine.runtime.mount_options import MAPPING, MountOptions

_EVERYBODY = (IdMapping(container_id=0, host_id=1 << 20, size=1 << 16),)  # any map but the host's own


def map_ids(source: int, mount: Mount, options: MountOptions, user_namespace: int | None) -> None:
    """Map the ids of a detached mount as ``idmap``, ``ridmap``, ``uidMappings`` and ``gidMappings`` say (config.md).

    Args:
        user_namespace: the container's, for a mount without mappings of its own.

    Raises:
        InvalidRequest: there is nothing to map through.
        Unsupported: the file system can't map ids.
    """
    if not (options.idmap or mount.uid_mappings or mount.gid_mappings):
        return
    with_own = bool(mount.uid_mappings or mount.gid_mappings)
    mapping = _own_mapping(mount) if with_own else user_namespace
    if mapping is None:
        raise InvalidRequest(
            f"{mount.destination} is to have its ids mapped, but there is no mapping",
            "give the mount uidMappings and gidMappings, or the container a user namespace",
        )
    try:
        mounts.set_attributes(source, 0, recursive=options.recursive_idmap, user_namespace=mapping)
    except OSError as error:
        raise _explained(mount, error) from error
    finally:
        if with_own:
            os.close(mapping)


def with_mappings(mount: Mount, linux: Linux) -> Mount:
    """A mount with the mappings that crun's form of the option says (crun(1), "idmap mount options").

    In ``idmap=uids=0-1-10#10-11-10;gids=@0-0-10`` are ids on disk, what they become, and how many; after an "@" they
    become ids of the container, and otherwise of the host.

    Raises:
        InvalidRequest: it has another form.
    """
    text = next((option for option in mount.options if option.startswith(MAPPING)), None)
    if text is None:
        return mount
    kinds = dict(part.partition("=")[::2] for part in text.partition("=")[2].split(";"))
    try:
        if set(kinds) != {"uids", "gids"}:
            raise ValueError
        uids = tuple(_mapping(each, linux.uid_mappings) for each in kinds["uids"].split("#"))
        gids = tuple(_mapping(each, linux.gid_mappings) for each in kinds["gids"].split("#"))
    except ValueError as error:
        raise InvalidRequest(
            f"{text!r} is no mapping ({mount.destination})", "write it as idmap=uids=0-1000-10;gids=0-1000-10"
        ) from error
    return structs.replace(mount, uid_mappings=uids, gid_mappings=gids)


def _mapping(text: str, containers: tuple[IdMapping, ...]) -> IdMapping:
    on_disk, becomes, size = text.removeprefix("@").split("-")
    host = userns.host_id(containers, int(becomes)) if text.startswith("@") else int(becomes)
    if host is None:
        raise ValueError
    return IdMapping(container_id=int(on_disk), host_id=host, size=int(size))


def _own_mapping(mount: Mount) -> int:
    if not (mount.uid_mappings and mount.gid_mappings):
        raise InvalidRequest(f"{mount.destination} needs both uidMappings and gidMappings", "give the missing ones")
    try:
        return userns.open_mapping(Linux(uid_mappings=mount.uid_mappings, gid_mappings=mount.gid_mappings))
    except OSError as error:
        raise InvalidRequest(
            f"the kernel doesn't take the mappings of {mount.destination} ({error.strerror})",
            "see that no ranges overlap",
        ) from error


def _explained(mount: Mount, error: OSError) -> Unsupported:
    if error.errno == errno.EINVAL:
        return Unsupported(
            f"the file system of {mount.source} can't show files with mapped ids",
            "leave out idmap, or move it to ext4, xfs, btrfs or, since Linux 6.3, tmpfs",
        )
    return Unsupported(f"the ids of {mount.source} can't be mapped ({(error.strerror or '').lower()})")


def can_idmap(path: str) -> bool:
    """Whether what is at a path on the host can be shown with mapped ids; tried out once a file system.

    A path that doesn't exist, and a caller without the privilege, can't.
    """
    try:
        device = os.stat(path).st_dev
    except OSError:
        return False
    if device not in _answers:
        _answers[device] = _try(path)
    return _answers[device]


_answers: dict[int, bool] = {}


def _try(path: str) -> bool:
    try:
        tried = mounts.open_tree(path)
    except OSError:
        return False
    try:
        mounts.set_attributes(tried, 0, user_namespace=_some_namespace())
        return True
    except OSError:
        return False
    finally:
        os.close(tried)


@functools.cache
def _some_namespace() -> int:
    """A user namespace to try with, kept open: making one costs a process."""
    return userns.open_mapping(Linux(uid_mappings=_EVERYBODY, gid_mappings=_EVERYBODY))

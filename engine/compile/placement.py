"""What the engine decides about one container before its ``config.json`` is compiled."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from engine.oci.linux_spec import IdMapping
from engine.oci.process_spec import User

IdmapOption = Literal["idmap", "ridmap", ""]


class Ids(Struct, frozen=True, kw_only=True):
    """The ids of a container; without mappings they are the host's.

    Attributes:
        joined: id of the container whose user namespace is joined, with its mappings; empty for one of its own.
        idmap: by source of a bind mount, the option that lets its files keep their owner; empty where the file
            system can't do it.
        warnings: sentences on what could not be had.
    """

    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    joined: str = ""
    idmap: dict[str, IdmapOption] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def own_user_namespace(self) -> bool:
        """Whether the container's root is another than the host's."""
        return bool(self.uid_mappings)


class Placement(Struct, frozen=True, kw_only=True):
    """What the engine has decided about one container before its spec is compiled.

    Attributes:
        layers: overlay lower directories, topmost first.
        user: resolved against the image's /etc/passwd and /etc/group.
        home: that user's home directory.
        files: host paths to show in /etc, by name: hosts, hostname, resolv.conf.
    """

    container_id: str
    layers: tuple[str, ...]
    upper: str
    work: str
    cgroups_path: str
    user: User
    home: str
    hostname: str
    files: dict[str, str]
    ids: Ids = Ids()

"""Which ids a container gets: a range of its own, the host's, another container's, or what was asked for."""

from __future__ import annotations

import os

from engine import id_ranges, joining
from engine.compile import id_maps
from engine.compile.id_maps import Maps
from engine.compile.namespaces import targets
from engine.compile.placement import IdmapOption, Ids
from engine.errors import Conflict, NotFound, Unsupported
from engine.idmap_support import IdmapSupport
from engine.model import ContainerRequest
from engine.oci.linux_spec import Linux
from engine.paths import Paths
from engine.runtime.userns import host_id
from engine.store.database import Database


class Identities:
    """Chooses ids for containers of one root."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database
        self._support = IdmapSupport(paths.idmap_support)

    def choose(self, container_id: str, request: ContainerRequest) -> Ids:
        """Choose, inside the caller's transaction; containers whose namespaces are joined go by their full ids.

        Raises:
            InvalidRequest: words that mean no ids.
            Unsupported: a user namespace was asked for, and this machine can't make one.
            Conflict: namespaces of containers with different ids are to be joined.
        """
        wanted = request.userns or ("host" if request.security.privileged else None)
        others = tuple(dict.fromkeys(targets(request).values()))
        if wanted == "host":
            return Ids()
        if others:
            return self._joined(others, request)
        obstacle = self._obstacle(request, with_binds=wanted is None)
        if obstacle and wanted is None:
            return Ids(warnings=(f"no user namespace: {obstacle}; root inside is root outside",))
        if obstacle:
            raise Unsupported(f"the container can't have a user namespace: {obstacle}", "add --userns host")
        return self._with_idmaps(self._own(container_id, wanted or "auto"), request)

    def _own(self, container_id: str, wanted: str) -> Ids:
        if wanted not in ("auto", "keep-id"):
            maps = id_maps.parse(wanted)
            return Ids(uid_mappings=maps, gid_mappings=maps, warnings=_about(maps))
        first = id_ranges.lease(self._database, container_id)
        if wanted == "auto":
            return Ids(uid_mappings=id_maps.whole_range(first), gid_mappings=id_maps.whole_range(first))
        uid, gid = caller()
        maps = id_maps.keeping(uid, first)
        return Ids(uid_mappings=maps, gid_mappings=id_maps.keeping(gid, first), warnings=_about(maps))

    def _joined(self, others: tuple[str, ...], request: ContainerRequest) -> Ids:
        """The ids of those whose namespaces are joined: only their owner's root may configure and show them."""
        users = {self._user_namespace_of(other) for other in others}
        if len(users) > 1:
            raise Conflict(
                "the namespaces of containers with different user namespaces can't be joined at once",
                "join those of one container, or add --userns host",
            )
        owner, uid_mappings, gid_mappings = users.pop()
        if not uid_mappings:
            about = "its own user namespace" if request.userns else "a user namespace"
            return Ids(warnings=(f"{about} is given up: the container that it joins has none",))
        joined = Ids(uid_mappings=uid_mappings, gid_mappings=gid_mappings, joined=owner)
        return self._with_idmaps(joined, request)

    def _user_namespace_of(self, container_id: str) -> tuple[str, Maps, Maps]:
        """The container whose user namespace another one is in, and its maps."""
        try:
            spec = joining.spec(self._paths, container_id)
        except OSError as error:
            raise NotFound(f"the container {container_id[:12]} has just been removed") from error
        linux = spec.linux or Linux()
        user = linux.namespace("user")
        owner = container_id if user is None or not user.path else user.path.split("/")[0].partition(":")[2]
        return owner, linux.uid_mappings, linux.gid_mappings

    def _obstacle(self, request: ContainerRequest, with_binds: bool) -> str:
        """Why there can be no user namespace, in words; empty when there can."""
        return self._support.obstacle(str(self._paths.root), *(bind.source for bind in request.binds if with_binds))

    def _with_idmaps(self, ids: Ids, request: ContainerRequest) -> Ids:
        options: dict[str, IdmapOption] = {
            bind.source: self._support.option(bind.source, bind.recursive)
            for bind in request.binds
            if os.path.exists(bind.source)
        }
        plain = tuple(
            f"the files of {source} belong to nobody inside: its file system can't show them with other ids"
            for source, option in options.items()
            if not option
        )
        return Ids(
            uid_mappings=ids.uid_mappings, gid_mappings=ids.gid_mappings, joined=ids.joined, idmap=options,
            warnings=ids.warnings + plain,
        )  # fmt: skip


def caller() -> tuple[int, int]:
    """The uid and gid of the person who asks: with sudo, of whoever used it (sudo(8))."""
    try:
        return int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return os.getuid(), os.getgid()


def _about(maps: Maps) -> tuple[str, ...]:
    return ("root inside is root outside, as its mapping says",) if host_id(maps, 0) == 0 else ()

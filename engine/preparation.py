"""From a request to a created container: folders, addresses, ``config.json`` and the row that makes it real."""

from __future__ import annotations

import os
import time
from pathlib import Path

from msgspec.structs import replace

from engine import etc_files, health, joining, naming, restart_policy
from engine.cgroups.manager import check as check_resources
from engine.compile.command import argv, require_text
from engine.compile.isolation import isolation
from engine.compile.namespaces import JOINED, attachments, check_modes, targets
from engine.compile.placement import Ids, Placement
from engine.compile.published_ports import port_warnings, published_ports
from engine.compile.sacrifices import sacrifices
from engine.compile.spec import compile_spec
from engine.errors import Conflict, InvalidRequest, NotFound
from engine.identities import Identities, caller
from engine.images.layers import lower_directories, read_file
from engine.images.users import User as ImageUser
from engine.images.users import resolve_groups, resolve_user
from engine.model import Attachment, Container, ContainerRequest, Endpoint, Image, State
from engine.network.networks import Networks
from engine.oci.process_spec import User
from engine.oci.runtime_spec import Spec, decode, encode
from engine.paths import Paths
from engine.records import Records
from engine.runtime import seccomp
from engine.runtime.userns import host_id
from engine.signal_names import signal_number
from engine.store.database import Database

_NAME_TRIES = 8


class Preparation:
    """Creates containers in the store and on disk; nothing of the kernel's is touched."""

    def __init__(self, paths: Paths, database: Database, records: Records, networks: Networks) -> None:
        self._paths = paths
        self._database = database
        self._records = records
        self._networks = networks
        self._identities = Identities(paths, database)

    def create(self, container_id: str, request: ContainerRequest, image: Image) -> Container:
        """Make the container; all or nothing, but for folders that recovery finds.

        Raises:
            InvalidRequest: the request can't be fulfilled by anybody.
            Conflict: the name is in use.
        """
        require_text(request)
        check(request)
        lowers = lower_directories(self._paths, image)
        user = _image_user(lowers, request, image)
        with self._database.transaction():
            request = self._with_full_ids(request)
            container = self._insert(container_id, request, image)
            ids = self._identities.choose(container_id, request)
            _require_mapped(user, ids)
            container = replace(container, endpoints=self._leased(container_id, attachments(request)))
            placement = self._placement(container, lowers, user, ids)
            spec = compile_spec(request, image.config, placement)
            check_limits(spec)
            warnings = (*sacrifices(request, ids), *port_warnings(request))
            container = replace(container, isolation=isolation(spec), warnings=warnings)
            self._records.update(container)
            self._compile_filter(spec)
            self._write(container, spec, ids)
        return container

    def _with_full_ids(self, request: ContainerRequest) -> ContainerRequest:
        """The request with other containers, whose namespaces it joins, by their full ids."""
        found = {option: self._records.find(name).id for option, name in targets(request).items()}
        return replace(request, **{option: f"{JOINED}{container_id}" for option, container_id in found.items()})

    def _leased(self, container_id: str, wishes: tuple[Attachment, ...]) -> tuple[Endpoint, ...]:
        return tuple(self._networks.lease(container_id, wish) for wish in wishes)

    def move(self, container: Container, endpoints: tuple[Endpoint, ...]) -> None:
        """Write down new places on networks, also in the container's /etc/hosts."""
        with self._database.transaction():
            moved = replace(self._records.get(container.id) or container, endpoints=endpoints)
            self._records.update(moved)
        etc_files.rewrite(self._paths, moved)

    def _insert(self, container_id: str, request: ContainerRequest, image: Image) -> Container:
        container = Container(
            id=container_id,
            name=request.name or self._free_name(),
            request=request,
            image_id=image.id,
            argv=argv(request, image.config),
            ports=published_ports(request, image.config),
            health_check=health.check_of(request.health, image.config.health_check),
            state=State.CREATED,
            created_unix_ns=time.time_ns(),
        )
        naming.check_name(container.name)
        if self._database.row("SELECT 1 FROM images WHERE id = ?", (image.id,)) is None:
            raise NotFound(f"the image {request.image} has just been removed", "load it again")
        self._records.insert(container)
        return container

    def _free_name(self) -> str:
        for _ in range(_NAME_TRIES):
            name = naming.new_name()
            if self._database.row("SELECT 1 FROM containers WHERE name = ?", (name,)) is None:
                return name
        return f"{naming.new_name()}_{naming.new_id()[:6]}"

    def _placement(self, container: Container, lowers: tuple[Path, ...], user: ImageUser, ids: Ids) -> Placement:
        """As planned; who joins a network also has the names and files that belong to it."""
        at_home = self._records.get(targets(container.request).get("network", "")) or container
        folder = self._paths.container(at_home.id)
        return Placement(
            container_id=container.id,
            layers=tuple(str(path) for path in lowers),
            upper=str(self._paths.upper(container.id)),
            work=str(self._paths.work(container.id)),
            cgroups_path=self._paths.cgroup_path(container.id),
            user=User(uid=user.uid, gid=user.gid, umask=container.request.umask, additional_gids=user.additional_gids),
            home=user.home,
            hostname=etc_files.hostname(at_home),
            files={name: str(folder / name) for name in etc_files.NAMES},
            ids=ids,
        )

    def _compile_filter(self, spec: Spec) -> None:
        """Fill the cache of compiled filters: shims then find theirs there and never load libseccomp."""
        written = decode(encode(spec))  # filters are known by their text as it is in the file
        if written.linux is not None:
            seccomp.prepare_text(written.linux.seccomp_text, str(self._paths.seccomp_cache))

    def _write(self, container: Container, spec: Spec, ids: Ids) -> None:
        bundle = self._paths.bundle(container.id)
        owner, group = host_id(ids.uid_mappings, 0) or 0, host_id(ids.gid_mappings, 0) or 0
        try:
            # Closed even where the root isn't: a set-user-id program of the container's is root's on the host.
            self._paths.container(container.id).mkdir(parents=True, mode=0o700)
            (bundle / "rootfs").mkdir(parents=True)
            for folder in (self._paths.upper(container.id), self._paths.work(container.id)):
                folder.mkdir(mode=0o755)
                os.chown(folder, owner, group)
        except FileExistsError as error:
            raise Conflict("the container's folder exists already", "create it again: it gets another id") from error
        etc_files.write(self._paths, container, owner, group)
        joining.write(self._paths, container, spec)


def check(request: ContainerRequest) -> None:
    """Refuse what can't be, before anything is made.

    Raises:
        InvalidRequest: with what is wrong.
    """
    check_modes(request)
    etc_files.check(request)
    restart_policy.check(request.restart_policy, request.auto_remove)
    request.log.check()
    for name in filter(None, (request.hostname, request.domainname)):
        naming.check_hostname(name)
    if request.hostname and (request.uts == "host" or targets(request).get("network")):
        raise InvalidRequest("the container has the host name of what it joins", "leave --hostname out")
    if request.stop_signal is not None:
        signal_number(request.stop_signal)


def check_limits(spec: Spec) -> None:
    """Refuse limits that this machine hasn't got.

    Raises:
        InvalidRequest: with what is wrong.
    """
    if spec.linux is not None:
        check_resources(spec.linux.resources)


def _image_user(lowers: tuple[Path, ...], request: ContainerRequest, image: Image) -> ImageUser:
    passwd = read_file(lowers, "etc/passwd") or b""
    group = read_file(lowers, "etc/group") or b""
    wanted = request.user
    if wanted is None:  # who keeps an id means to be that user inside, as podman understands it
        wanted = "{}:{}".format(*caller()) if request.userns == "keep-id" else image.config.user
    user = resolve_user(wanted, passwd, group)
    return replace(user, additional_gids=resolve_groups(request.groups, group, user.additional_gids))


def _require_mapped(user: ImageUser, ids: Ids) -> None:
    """Refuse a user that the container's user namespace has no id for."""
    wanted = ((user.uid, ids.uid_mappings), *((gid, ids.gid_mappings) for gid in (user.gid, *user.additional_gids)))
    for number, maps in wanted:
        if host_id(maps, number) is None:
            raise InvalidRequest(
                f"the container's user namespace has no id {number}", "choose another --user, or add --userns host"
            )

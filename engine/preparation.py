"""From a request to a created container: folders, addresses, ``config.json`` and the row that makes it real."""

from __future__ import annotations

import os
import time
from pathlib import Path

from msgspec.structs import replace

from engine import id_ranges, naming
from engine.errors import Conflict, NotFound
from engine.images.layers import lower_directories, read_file
from engine.images.users import User as ImageUser
from engine.images.users import resolve_user
from engine.model import Container, ContainerRequest, Endpoint, Image, State
from engine.network.networks import Networks
from engine.network.resolver import hosts_file, resolv_conf
from engine.oci.runtime_spec import Spec, User, encode
from engine.paths import Paths
from engine.records import Records
from engine.runtime import spec as compiler
from engine.store.database import Database

_NAME_TRIES = 8


class Preparation:
    """Creates containers in the store and on disk; nothing of the kernel's is touched."""

    def __init__(self, paths: Paths, database: Database, records: Records, networks: Networks) -> None:
        self._paths = paths
        self._database = database
        self._records = records
        self._networks = networks

    def create(self, container_id: str, request: ContainerRequest, image: Image) -> Container:
        """Make the container; all or nothing, but for folders that recovery finds.

        Raises:
            InvalidRequest: the request can't be fulfilled by anybody.
            Conflict: the name is in use.
        """
        compiler.require_text(request)
        lowers = lower_directories(self._paths, image)
        user = _image_user(lowers, request.user if request.user is not None else image.config.user)
        if request.hostname:
            naming.check_hostname(request.hostname)
        with self._database.transaction():
            container = self._insert(container_id, request, image)
            first_id = id_ranges.lease(self._database, container_id) if request.user_namespace else None
            if request.network == "bridge":
                container = replace(container, endpoint=self._networks.lease(container_id))
                self._records.update(container)
            placement = self._placement(container, lowers, user, first_id)
            spec = compiler.compile_spec(request, image.config, placement)
            self._write(container, spec, first_id)
        return container

    def move(self, container: Container, endpoint: Endpoint) -> None:
        """Write down a new address, also in the container's /etc/hosts."""
        moved = replace(container, endpoint=endpoint)
        with self._database.transaction():
            self._records.update(moved)
        hostname = container.request.hostname or container.short_id
        (self._paths.container(container.id) / "hosts").write_text(hosts_file(hostname, _address(endpoint)))

    def _insert(self, container_id: str, request: ContainerRequest, image: Image) -> Container:
        container = Container(
            id=container_id,
            name=request.name or self._free_name(),
            request=request,
            image_id=image.id,
            argv=compiler.argv(request, image.config),
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

    def _placement(
        self, container: Container, lowers: tuple[Path, ...], user: ImageUser, first_id: int | None
    ) -> compiler.Placement:
        folder = self._paths.container(container.id)
        return compiler.Placement(
            container_id=container.id,
            layers=tuple(str(path) for path in lowers),
            upper=str(self._paths.upper(container.id)),
            work=str(self._paths.work(container.id)),
            cgroups_path=self._paths.cgroup_path(container.id),
            user=User(uid=user.uid, gid=user.gid, additional_gids=user.additional_gids),
            home=user.home,
            files={name: str(folder / name) for name in ("hostname", "hosts", "resolv.conf")},
            first_id=first_id,
        )

    def _write(self, container: Container, spec: Spec, first_id: int | None) -> None:
        bundle = self._paths.bundle(container.id)
        owner = first_id or 0
        try:
            # Closed even where the root isn't: a set-user-id program of the container's is root's on the host.
            self._paths.container(container.id).mkdir(parents=True, mode=0o700)
            (bundle / "rootfs").mkdir(parents=True)
            for folder in (self._paths.upper(container.id), self._paths.work(container.id)):
                folder.mkdir(mode=0o755)
                os.chown(folder, owner, owner)
        except FileExistsError as error:
            raise Conflict("the container's folder exists already", "create it again: it gets another id") from error
        for name, text in _etc_files(container, spec.hostname).items():
            path = self._paths.container(container.id) / name
            path.write_text(text)
            os.chown(path, owner, owner)
        (bundle / "config.json").write_bytes(encode(spec))


def _image_user(lowers: tuple[Path, ...], wanted: str) -> ImageUser:
    passwd = read_file(lowers, "etc/passwd") or b""
    group = read_file(lowers, "etc/group") or b""
    return resolve_user(wanted, passwd, group)


def _etc_files(container: Container, hostname: str) -> dict[str, str]:
    return {
        "hostname": f"{hostname}\n",
        "hosts": hosts_file(hostname, _address(container.endpoint)),
        "resolv.conf": resolv_conf(_host_resolv_conf()),
    }


def _address(endpoint: Endpoint | None) -> str | None:
    return endpoint.address.partition("/")[0] if endpoint else None


def _host_resolv_conf() -> str:
    try:
        return Path("/etc/resolv.conf").read_text(errors="replace")
    except OSError:
        return ""

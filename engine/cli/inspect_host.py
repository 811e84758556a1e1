"""``HostConfig`` and ``Mounts`` of ``inspect``: what a container has of the host, and what it may do."""

from __future__ import annotations

import os

from msgspec import field
from msgspec.structs import asdict

from engine.cli.documents import Document
from engine.cli.inspect_limits import LimitsDocument, limits_document
from engine.cli.inspect_ports import PortBindings, port_bindings
from engine.log_config import LogConfig
from engine.model import Container
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Spec
from engine.options import Security


class DeviceDocument(Document, frozen=True, kw_only=True):
    """One of ``Devices``."""

    path_on_host: str
    path_in_container: str
    cgroup_permissions: str


class UlimitDocument(Document, frozen=True, kw_only=True):
    """One of ``Ulimits``."""

    name: str
    soft: int
    hard: int


class MountDocument(Document, frozen=True, kw_only=True):
    """One of ``Mounts``; ``Idmapped`` is ours: whether files keep their owners in a user namespace."""

    type: str
    name: str
    source: str
    destination: str
    mode: str = ""
    rw: bool = field(name="RW")
    propagation: str = ""
    idmapped: bool = False


class RestartPolicyDocument(Document, frozen=True, kw_only=True):
    """``RestartPolicy``."""

    name: str
    maximum_retry_count: int


class LogConfigDocument(Document, frozen=True, kw_only=True):
    """``LogConfig``: the driver, and its options as ``--log-opt`` takes them."""

    type: str
    config: dict[str, str]


class HostConfigDocument(LimitsDocument, frozen=True, kw_only=True):
    """``HostConfig`` of a container: limits, namespaces, privileges.

    ``Capabilities`` and ``IdMap`` are ours: what root inside may do in the end, and the lines of its uid_map.
    ``CgroupParent`` is the control group that this one's is in, which docker names only where it was asked for.
    """

    network_mode: str
    port_bindings: PortBindings
    publish_all_ports: bool
    auto_remove: bool
    restart_policy: RestartPolicyDocument
    log_config: LogConfigDocument
    userns_mode: str
    id_map: tuple[str, ...]
    ipc_mode: str
    pid_mode: str
    uts_mode: str = field(name="UTSMode")
    cgroupns_mode: str
    cgroup_parent: str
    dns: tuple[str, ...]
    dns_options: tuple[str, ...]
    dns_search: tuple[str, ...]
    extra_hosts: tuple[str, ...]
    privileged: bool
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    capabilities: tuple[str, ...]
    security_opt: tuple[str, ...]
    readonly_rootfs: bool
    masked_paths: tuple[str, ...]
    readonly_paths: tuple[str, ...]
    binds: tuple[str, ...]
    volumes_from: tuple[str, ...]
    annotations: dict[str, str]
    tmpfs: dict[str, str]
    shm_size: int
    devices: tuple[DeviceDocument, ...]
    device_cgroup_rules: tuple[str, ...]
    ulimits: tuple[UlimitDocument, ...]
    sysctls: dict[str, str]
    group_add: tuple[str, ...]
    init: bool
    oom_score_adj: int


def host_config(container: Container, spec: Spec) -> HostConfigDocument:
    """What the request asked for, and what came of it."""
    request, linux = container.request, spec.linux or Linux()
    return HostConfigDocument(
        **asdict(limits_document(request.limits, linux.resources)),
        network_mode=request.network,
        port_bindings=port_bindings(container.ports),
        publish_all_ports=request.publish_all,
        auto_remove=request.auto_remove,
        restart_policy=RestartPolicyDocument(
            name=request.restart_policy.name, maximum_retry_count=request.restart_policy.most
        ),
        log_config=_log_config(request.log),
        userns_mode="host" if linux.namespace("user") is None else request.userns or "auto",
        id_map=tuple(f"{m.container_id} {m.host_id} {m.size}" for m in linux.uid_mappings),
        ipc_mode=request.ipc,
        pid_mode="" if request.pid == "private" else request.pid,
        uts_mode="" if request.uts == "private" else request.uts,
        cgroupns_mode=request.cgroupns,
        cgroup_parent=os.path.dirname(linux.cgroups_path),
        dns=request.dns,
        dns_options=request.dns_options,
        dns_search=request.dns_search,
        extra_hosts=request.extra_hosts,
        privileged=request.security.privileged,
        cap_add=request.security.cap_add,
        cap_drop=request.security.cap_drop,
        capabilities=_capabilities(spec),
        security_opt=_security_options(request.security),
        readonly_rootfs=request.read_only,
        masked_paths=linux.masked_paths,
        readonly_paths=linux.readonly_paths,
        binds=_binds(container),
        volumes_from=request.volumes_from,
        annotations=request.annotations,
        tmpfs={tmpfs.destination: ",".join(tmpfs.options) for tmpfs in request.tmpfs},
        shm_size=_shm_size(spec),
        devices=_devices(container),
        device_cgroup_rules=request.device_rules,
        ulimits=tuple(UlimitDocument(name=u.name, soft=u.soft, hard=u.hard) for u in request.ulimits),
        sysctls=request.sysctls,
        group_add=request.groups,
        init=request.init,
        oom_score_adj=request.oom_score_adj or 0,
    )


def _log_config(log: LogConfig) -> LogConfigDocument:
    options = {"max-size": str(log.max_bytes), "max-file": str(log.max_files), "compress": str(log.compress).lower()}
    named = {name: ",".join(names) for name, names in (("labels", log.labels), ("env", log.env)) if names}
    return LogConfigDocument(type=log.driver, config={**(options if log.driver == "file" else {}), **named})


def mounts(container: Container, spec: Spec) -> tuple[MountDocument, ...]:
    """What the request mounts, as ``config.json`` has it."""
    wanted = {bind.destination.rstrip("/"): bind for bind in container.request.binds}
    volumes = {mount.destination.rstrip("/"): mount.name for mount in container.request.volumes}
    places = wanted.keys() | {tmpfs.destination.rstrip("/") for tmpfs in container.request.tmpfs}
    return tuple(
        MountDocument(
            type="volume" if mount.destination in volumes else mount.type,
            name=volumes.get(mount.destination, ""),
            source=mount.source if mount.type == "bind" else "",
            destination=mount.destination,
            mode=",".join(mount.options),
            rw=not {"ro", "rro"} & set(mount.options),
            propagation=wanted[mount.destination].propagation if mount.destination in wanted else "",
            idmapped=bool({"idmap", "ridmap"} & set(mount.options)),
        )
        for mount in spec.mounts
        if mount.destination in places
    )


def _capabilities(spec: Spec) -> tuple[str, ...]:
    process = spec.process
    return process.capabilities.bounding if process is not None and process.capabilities is not None else ()


def _security_options(security: Security) -> tuple[str, ...]:
    said = {
        "no-new-privileges": security.no_new_privileges,
        "seccomp=unconfined": security.seccomp == "unconfined",
        f"seccomp={security.seccomp}": security.seccomp not in (None, "unconfined"),
        f"apparmor={security.apparmor}": bool(security.apparmor),
        "systempaths=unconfined": security.unmasked,
    }
    return tuple(option for option, is_said in said.items() if is_said)


def _binds(container: Container) -> tuple[str, ...]:
    return tuple(
        f"{bind.source}:{bind.destination}" + (":ro" if bind.read_only else "") for bind in container.request.binds
    )


def _devices(container: Container) -> tuple[DeviceDocument, ...]:
    return tuple(
        DeviceDocument(path_on_host=d.source, path_in_container=d.destination, cgroup_permissions=d.access)
        for d in container.request.devices
    )


def _shm_size(spec: Spec) -> int:
    options = next((m.options for m in spec.mounts if m.destination == "/dev/shm" and m.type == "tmpfs"), ())
    sizes = [option[5:].removesuffix("k") for option in options if option.startswith("size=") and option.endswith("k")]
    return int(sizes[0]) * 1024 if sizes else 0

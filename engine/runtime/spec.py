"""A request and an image, compiled to the OCI ``config.json`` that init obeys: values in, a value out."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ImageConfig, Limits
from engine.oci.runtime_spec import (
    OCI_VERSION,
    Capabilities,
    IdMapping,
    Linux,
    LinuxCPU,
    LinuxMemory,
    LinuxPids,
    LinuxResources,
    Mount,
    Namespace,
    Process,
    Root,
    Spec,
    TimeOffset,
    User,
)
from engine.runtime.process import DEFAULT_PATH
from engine.runtime.rootfs import escaped

CPU_PERIOD_USEC = 100_000
MINIMUM_MEMORY_BYTES = 6 * 1024 * 1024  # docker's floor: below it not even a shell starts
ID_RANGE_LENGTH = 65_536

# Docker's default set without CAP_MKNOD (as podman): nothing in a container needs to make device nodes, and
# without a device filter whoever can make one can read the host's disks.
DEFAULT_CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
)  # fmt: skip
MASKED_PATHS = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
)  # fmt: skip
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class Placement(Struct, frozen=True, kw_only=True):
    """What the engine has decided about one container before its spec is compiled.

    Attributes:
        layers: overlay lower directories, topmost first.
        user: resolved against the image's /etc/passwd and /etc/group.
        home: that user's home directory.
        files: host paths to show in /etc, by name: hosts, hostname, resolv.conf.
        first_id: of the range of host ids, for a user namespace.
    """

    container_id: str
    layers: tuple[str, ...]
    upper: str
    work: str
    cgroups_path: str
    user: User
    home: str
    files: dict[str, str]
    first_id: int | None = None


def compile_spec(request: ContainerRequest, image: ImageConfig, placement: Placement) -> Spec:
    """The whole ``config.json`` of a container.

    Raises:
        InvalidRequest: a limit, name or variable that can't be; nothing to execute.
    """
    return Spec(
        oci_version=OCI_VERSION,
        root=Root(path="rootfs"),
        process=_process(request, image, placement),
        hostname=request.hostname or placement.container_id[:12],
        mounts=_mounts(request, placement),
        annotations=dict(request.labels),
        linux=Linux(
            namespaces=_namespaces(request),
            uid_mappings=_mappings(placement),
            gid_mappings=_mappings(placement),
            time_offsets=_time_offsets(request),
            cgroups_path=placement.cgroups_path,
            resources=compile_resources(request.limits),
            masked_paths=MASKED_PATHS,
            readonly_paths=READONLY_PATHS,
        ),
    )


def argv(request: ContainerRequest, image: ImageConfig) -> tuple[str, ...]:
    """Entrypoint and command as docker combines them: a new entrypoint also drops the image's command.

    Raises:
        InvalidRequest: neither the request nor the image says what to execute.
    """
    entrypoint = image.entrypoint if request.entrypoint is None else request.entrypoint
    command = request.command or (image.command if request.entrypoint is None else ())
    if not (entrypoint + command):
        raise InvalidRequest(f"the image {request.image} has no command of its own", "name one after the image")
    return entrypoint + command


def require_text(request: Struct) -> None:
    """Refuse what ``config.json``, which is UTF-8, can't hold.

    Raises:
        InvalidRequest: a word of the request has bytes that are no UTF-8.
    """
    try:
        msgspec.json.encode(request)
    except UnicodeEncodeError as error:  # Python stands for such bytes with surrogates (PEP 383)
        raise InvalidRequest(f"{error.object!a} is not text in UTF-8", "write it in UTF-8") from error


def environment(variables: tuple[str, ...], image: ImageConfig, home: str, hostname: str, tty: bool) -> tuple[str, ...]:
    """The image's environment, then what docker adds, then the request's own, later entries winning.

    Raises:
        InvalidRequest: an entry without a name or an equals sign.
    """
    merged = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, "HOME": home}
    if tty:
        merged["TERM"] = "xterm"
    return with_variables(merged, image.env + variables)


def with_variables(known: dict[str, str], entries: tuple[str, ...]) -> tuple[str, ...]:
    """Variables and further ``NAME=value`` entries, later ones winning, as a process gets them.

    Raises:
        InvalidRequest: an entry without a name or an equals sign.
    """
    merged = dict(known)
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not name or not equals or "\0" in entry:
            raise InvalidRequest(f"{entry!r} is not an environment variable", "write it as NAME=value")
        merged[name] = value
    return tuple(f"{name}={value}" for name, value in merged.items())


def default_capabilities(uid: int) -> Capabilities:
    """Docker's rule: another user than root has none until a program with file capabilities gives it some."""
    if uid == 0:
        return Capabilities(
            bounding=DEFAULT_CAPABILITIES, effective=DEFAULT_CAPABILITIES, permitted=DEFAULT_CAPABILITIES
        )
    return Capabilities(bounding=DEFAULT_CAPABILITIES)


def _process(request: ContainerRequest, image: ImageConfig, placement: Placement) -> Process:
    hostname = request.hostname or placement.container_id[:12]
    return Process(
        args=argv(request, image),
        cwd=_absolute(request.working_dir or image.working_dir or "/"),
        user=placement.user,
        env=environment(request.env, image, placement.home, hostname, request.tty),
        terminal=request.tty,
        capabilities=default_capabilities(placement.user.uid),
    )


def _absolute(folder: str) -> str:
    if not folder.startswith("/"):
        raise InvalidRequest(f"the working directory {folder!r} is not absolute", "start it with a slash")
    return folder


def _namespaces(request: ContainerRequest) -> tuple[Namespace, ...]:
    kinds = [Namespace(type=kind) for kind in ("mount", "uts", "ipc", "pid", "cgroup")]
    if request.network != "host":
        kinds.append(Namespace(type="network"))
    if request.user_namespace:
        kinds.append(Namespace(type="user"))
    if request.time_namespace:
        kinds.append(Namespace(type="time"))
    return tuple(kinds)


def _mappings(placement: Placement) -> tuple[IdMapping, ...]:
    if placement.first_id is None:
        return ()
    return (IdMapping(container_id=0, host_id=placement.first_id, size=ID_RANGE_LENGTH),)


def _time_offsets(request: ContainerRequest) -> dict[str, TimeOffset]:
    if request.boot_offset_seconds and not request.time_namespace:
        raise InvalidRequest("a boot offset needs a time namespace", "add --time-namespace")
    if not request.boot_offset_seconds:
        return {}
    offset = TimeOffset(secs=request.boot_offset_seconds)
    return {"boottime": offset, "monotonic": offset}


def _mounts(request: ContainerRequest, placement: Placement) -> tuple[Mount, ...]:
    return (
        _overlay(placement),
        _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        _sysfs(request),
        _mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
        _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        *(
            Mount(destination=f"/etc/{name}", type="bind", source=source, options=("rbind", "rprivate"))
            for name, source in placement.files.items()
        ),
    )


def _overlay(placement: Placement) -> Mount:
    lowers = ":".join(escaped(layer) for layer in placement.layers)
    options = (f"lowerdir={lowers}", f"upperdir={placement.upper}", f"workdir={placement.work}")
    return Mount(destination="/", type="overlay", source="overlay", options=options)


def _sysfs(request: ContainerRequest) -> Mount:
    if request.network == "host" and request.user_namespace:  # sysfs belongs to a network namespace that isn't ours
        return Mount(
            destination="/sys", type="bind", source="/sys", options=("rbind", "rro", "nosuid", "noexec", "nodev")
        )
    return _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro")


def _mount(destination: str, kind: str, *options: str) -> Mount:
    return Mount(destination=destination, type=kind, source=kind, options=options)


def compile_resources(limits: Limits) -> LinuxResources:
    """Limits in the specification's units.

    Raises:
        InvalidRequest: a limit that no container can live in.
    """
    return LinuxResources(memory=_memory(limits), cpu=_cpu(limits), pids=_pids(limits))


def _memory(limits: Limits) -> LinuxMemory | None:
    if limits.memory_bytes is None:
        return None
    if limits.memory_bytes < MINIMUM_MEMORY_BYTES:
        raise InvalidRequest("the memory limit is too small", "give the container at least 6m")
    return LinuxMemory(limit=limits.memory_bytes)


def _cpu(limits: Limits) -> LinuxCPU | None:
    if limits.cpus is None:
        return None
    quota = round(limits.cpus * CPU_PERIOD_USEC)
    if quota < 1000:  # the kernel's own floor: 1 ms
        raise InvalidRequest(f"{limits.cpus} is not a number of CPUs", "give the container at least 0.01")
    return LinuxCPU(quota=quota, period=CPU_PERIOD_USEC)


def _pids(limits: Limits) -> LinuxPids | None:
    if limits.pids is None:
        return None
    if limits.pids < 1 and limits.pids != -1:
        raise InvalidRequest(f"{limits.pids} is not a limit of processes", "give a number above 0, or -1 for no limit")
    return LinuxPids(limit=limits.pids)

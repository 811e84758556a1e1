"""A container to begin with: a shell, in namespaces of its own, with few privileges."""

from __future__ import annotations

from msgspec import structs

from engine.oci.linux_spec import IdMapping, Linux, Namespace, NamespaceType
from engine.oci.process_spec import Capabilities, Process, Rlimit
from engine.oci.resources_spec import LinuxDeviceCgroup, LinuxResources
from engine.oci.runtime_spec import OCI_VERSION, Mount, Root, Spec

_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
_NAMESPACES: tuple[NamespaceType, ...] = ("pid", "network", "ipc", "uts", "mount", "cgroup")
_MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
)  # fmt: skip
_READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_CGROUP = Mount(
    destination="/sys/fs/cgroup",
    type="cgroup",
    source="cgroup",
    options=("nosuid", "noexec", "nodev", "relatime", "ro"),
)
_MOUNTS = (
    Mount(destination="/proc", type="proc", source="proc"),
    Mount(
        destination="/dev",
        type="tmpfs",
        source="tmpfs",
        options=("nosuid", "strictatime", "mode=755", "size=65536k"),
    ),
    Mount(
        destination="/dev/pts",
        type="devpts",
        source="devpts",
        options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    ),
    Mount(
        destination="/dev/shm",
        type="tmpfs",
        source="shm",
        options=("nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
    ),
    Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=("nosuid", "noexec", "nodev")),
    Mount(destination="/sys", type="sysfs", source="sysfs", options=("nosuid", "noexec", "nodev", "ro")),
    _CGROUP,
)


def plain() -> Spec:
    """For root."""
    return Spec(
        oci_version=OCI_VERSION,
        root=Root(path="rootfs", readonly=True),
        process=Process(
            terminal=True,
            args=("sh",),
            cwd="/",
            env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"),
            capabilities=Capabilities(bounding=_CAPABILITIES, effective=_CAPABILITIES, permitted=_CAPABILITIES),
            rlimits=(Rlimit(type="RLIMIT_NOFILE", hard=1024, soft=1024),),
            no_new_privileges=True,
        ),
        hostname="boxdeck",
        mounts=_MOUNTS,
        linux=Linux(
            namespaces=tuple(Namespace(type=kind) for kind in _NAMESPACES),
            resources=LinuxResources(devices=(LinuxDeviceCgroup(allow=False, access="rwm"),)),
            masked_paths=_MASKED,
            readonly_paths=_READONLY,
        ),
    )


def rootless(uid: int, gid: int) -> Spec:
    """For a user who is root only inside, with his own network and, since /sys belongs to that, the host's /sys."""
    spec = plain()
    assert spec.linux is not None
    return structs.replace(
        spec,
        mounts=tuple(map(_mount_without_privilege, _MOUNTS[:-1])),
        linux=structs.replace(
            spec.linux,
            namespaces=(*(kind for kind in spec.linux.namespaces if kind.type != "network"), Namespace(type="user")),
            uid_mappings=(IdMapping(container_id=0, host_id=uid, size=1),),
            gid_mappings=(IdMapping(container_id=0, host_id=gid, size=1),),
            resources=LinuxResources(),
        ),
    )


def _mount_without_privilege(mount: Mount) -> Mount:
    if mount.type == "sysfs":  # a new one needs a network namespace of one's own
        options = ("rbind", "nosuid", "noexec", "nodev", "ro")
        return Mount(destination="/sys", type="none", source="/sys", options=options)
    return structs.replace(mount, options=tuple(option for option in mount.options if not option.startswith("gid=")))

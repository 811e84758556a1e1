"""What calls are for, in a sentence each."""

from __future__ import annotations

import os
from collections.abc import Callable

from engine.linux import mounts, namespaces, trace
from engine.model.xray import CallKind
from engine.xray import flags
from engine.xray.arguments import Call, capability_names, text

Told = Callable[[Call], tuple[CallKind, str]]

_WHAT_IS_NEW = {
    namespaces.CLONE_NEWUSER: "ids of its own",
    namespaces.CLONE_NEWNS: "mounts of its own",
    namespaces.CLONE_NEWPID: "a list of processes of its own, in which it is number 1",
    namespaces.CLONE_NEWNET: "a network stack of its own, empty but for lo",
    namespaces.CLONE_NEWIPC: "System V IPC and message queues of its own",
    namespaces.CLONE_NEWUTS: "a host name of its own",
    namespaces.CLONE_NEWCGROUP: "a view of control groups that begins where it is",
    namespaces.CLONE_NEWTIME: "clocks of its own, for its children",
}
_ALL_NEW = sum(_WHAT_IS_NEW)


def told(name: str, call: Call) -> tuple[CallKind, str]:
    """The kind of a call, and what it is for."""
    if call.given[:1] == (trace.MANY,):
        return _many(name, int(call.given[1]), text(call.given[2]))
    try:
        found = _TOLD.get(name)
        return found(call) if found is not None else ("process", "")
    except (ValueError, TypeError, IndexError, KeyError):  # a recording of another version
        return "process", ""


def _many(name: str, count: int, words: str) -> tuple[CallKind, str]:
    """What several calls are for that were noted as one."""
    kind, sentence = _MANY.get(name, ("file", ""))
    if name == "mknodat":
        sentence = _WHITEOUTS if _WHITEOUT in words else "Device nodes, pipes and sockets of the layer."
    many = f"{count:,} calls in this time." if count > 1 else "One call in this time."
    return kind, f"{many} {sentence}".strip()


_WHITEOUT = "makedev(0, 0)"
_WHITEOUTS = "Whiteouts: a device 0/0 hides what a layer below has under that name, for overlayfs shows neither."
_MANY: dict[str, tuple[CallKind, str]] = {
    "openat2": (
        "file",
        "A folder is looked up with the layer as its root: no link in an archive leads outside.",
    ),
    "openat": ("file", "A new file: O_EXCL and O_NOFOLLOW, so that nothing that is there already is written to."),
    "mkdirat": ("file", "A folder is made."),
    "symlinkat": ("file", "A symbolic link."),
    "linkat": ("file", "A further name for a file that the layer has already."),
    "fsetxattr": ("file", "An opaque folder: overlayfs shows nothing of what layers below have in it."),
    "unlinkat": ("file", "A name is removed, by the descriptor of its folder: no link in there is followed."),
}


def _clone3(call: Call) -> tuple[CallKind, str]:
    bits = int.from_bytes(call.given[0][:8], "little")
    if not bits & _ALL_NEW:
        inside = ", straight into its control group" if bits & 0x200000000 else ""
        return "process", f"A child that shares all namespaces with its parent{inside}."
    born = " It is born straight into its control group." if bits & 0x200000000 else ""
    return "namespace", f"A child in new namespaces: it has {_what_is_new(bits)}.{born}"


def _what_is_new(bits: int) -> str:
    words = [what for flag, what in _WHAT_IS_NEW.items() if bits & flag]
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else "".join(words)


def _unshare(call: Call) -> tuple[CallKind, str]:
    return (
        "namespace",
        f"The caller leaves what it shared with others: from now on it has {_what_is_new(call.given[0])}.",
    )


def _setns(call: Call) -> tuple[CallKind, str]:
    kinds = " ".join(entry for entry, flag in namespaces.FLAG_BY_ENTRY.items() if call.given[1] & flag)
    if "pidfd" in call.path:
        return "namespace", f"The caller enters namespaces of the process that the pidfd stands for: {kinds}."
    if call.given[1] == namespaces.CLONE_NEWPID:
        return "namespace", "The caller's children are born into this pid namespace; the caller stays where it is."
    return "namespace", f"The caller enters this {kinds} namespace."


def _mount(call: Call) -> tuple[CallKind, str]:
    source, target, kind, bits, _ = call.given
    place = call.handles.place(text(target))
    if bits & mounts.MS_PRIVATE:
        return "mount", f"Mounts below {place} are private from now on: none is seen elsewhere, none comes in."
    if bits & mounts.MS_BIND and bits & mounts.MS_REMOUNT:
        return "mount", f"The mount at {place} gets other options."
    if bits & mounts.MS_BIND:
        return "mount", f"{text(source)} can be seen at {place}, too."
    return "mount", f"A file system of type {text(kind)} is mounted at {place}."


def _unmount(call: Call) -> tuple[CallKind, str]:
    if text(call.given[0]) == ".":
        return "mount", "The old root, which pivot_root left on top, is unmounted: nothing of the host's is in sight."
    return "mount", f"{text(call.given[0])} is unmounted."


def _fsopen(call: Call) -> tuple[CallKind, str]:
    return (
        "mount",
        f"A file system of type {text(call.given[0])} is begun; fsconfig tells its options, fsmount makes it.",
    )


def _fsconfig(call: Call) -> tuple[CallKind, str]:
    command, key, value, auxiliary = (
        flags.FSCONFIG[call.given[1]],
        text(call.given[2]),
        text(call.given[3]),
        call.given[4],
    )
    if command == "FSCONFIG_CMD_CREATE":
        return "mount", "The file system comes into being with the options that it was told."
    if command == "FSCONFIG_CMD_RECONFIGURE":
        return "mount", "The file system takes on the options that it was told."
    if key == "lowerdir+":
        return "mount", f"A layer that is only read, below those before: {call.handles.name(auxiliary)}."
    if key == "upperdir":
        return "mount", f"What the container changes is written here: {call.handles.name(auxiliary)}."
    if key == "workdir":
        return "mount", "Overlay prepares files here before it moves them to the upper directory."
    if key == "source":
        return "mount", "The name that the mount has in /proc/mounts."
    return "mount", f"An option of the file system: {key}{'=' + value if value else ''}."


def _fsmount(call: Call) -> tuple[CallKind, str]:
    options = (
        flags.named(call.given[2], flags.MOUNT_ATTRIBUTES, "").lower().replace("mount_attr_", "").replace("|", ", ")
    )
    with_options = f" with {options}" if options else ""
    return (
        "mount",
        f"A mount of the new file system{with_options}, which hangs in no tree yet: only a descriptor has it.",
    )


def _open_tree(call: Call) -> tuple[CallKind, str]:
    what = text(call.given[1]) or call.handles.name(call.given[0]) or "what the descriptor stands for"
    return "mount", f"A copy of the mount at {what}, which hangs in no tree yet: a bind mount in the making."


def _move_mount(call: Call) -> tuple[CallKind, str]:
    what, place = (
        call.handles.name(call.given[0]) or "the detached mount",
        call.handles.name(call.given[2]) or "its place",
    )
    return "mount", f"{what[:1].upper()}{what[1:]} is attached at {place}."


def _mount_setattr(call: Call) -> tuple[CallKind, str]:
    added = int.from_bytes(call.given[3][:8], "little")
    what = call.handles.name(call.given[0]) or "The mount"
    if added & mounts.MOUNT_ATTR_IDMAP:
        return "ids", f"{what}: its files' owners are shown through the id map of a user namespace."
    if added & mounts.MOUNT_ATTR_RDONLY:
        return "mount", f"{what} can't be written to any more."
    if not added:
        return "mount", f"{what}: where mounts made below it are seen is set (propagation)."
    return "mount", f"{what} gets further options."


def _write(call: Call) -> tuple[CallKind, str]:
    file, value = os.path.basename(call.path), text(call.given[1]).strip()
    if file in ("uid_map", "gid_map"):
        inside, outside, count = ([*value.split(), "", "", ""])[:3]
        kind = "users" if file == "uid_map" else "groups"
        return "ids", f"The {kind} {inside} and on inside are {outside} and on outside, {count} of them."
    if file in ("tasks", "cgroup.procs"):
        who = "The caller" if value == "0" else f"Process {value}"
        return "cgroup", f"{who} joins the control group, and is counted and limited there."
    if call.path.startswith("/sys/fs/cgroup"):
        return "cgroup", _CGROUP_FILES.get(file, "A setting of the control group.")
    if call.path.startswith("/proc/sys"):
        return "process", f"The kernel parameter {call.path.removeprefix('/proc/sys/').replace('/', '.')} is set."
    if file == "oom_score_adj":
        return "process", "How soon the process is killed when memory runs out."
    return "file", "A value is written."


_CGROUP_FILES = {
    "memory.max": "The most memory that all processes together may have.",
    "memory.limit_in_bytes": "The most memory that all processes together may have.",
    "memory.memsw.limit_in_bytes": "The most memory and swap together.",
    "memory.swap.max": "The most swap.",
    "memory.high": "Above this much memory processes are held back.",
    "memory.low": "Memory that isn't taken away as long as others have some.",
    "memory.soft_limit_in_bytes": "Memory that isn't taken away as long as others have some.",
    "cpu.max": "Processor time in each period, both in microseconds.",
    "cpu.cfs_quota_us": "Processor time in each period, in microseconds.",
    "cpu.cfs_period_us": "The period that the quota is for, in microseconds.",
    "cpu.weight": "The share of processor time when there isn't enough for all.",
    "cpu.shares": "The share of processor time when there isn't enough for all.",
    "cpuset.cpus": "The processors to run on.",
    "cpuset.mems": "The memory nodes to use.",
    "pids.max": "How many processes and threads there may be.",
    "devices.deny": "Devices that may not be used: “a” is every one.",
    "devices.allow": "A device that may be used: c or b, its numbers, and r, w or m for reading, writing, mknod.",
    "freezer.state": "FROZEN stops every process where it is, THAWED lets them go on.",
    "cgroup.freeze": "1 stops every process where it is, 0 lets them go on.",
    "cgroup.kill": "Every process in the group is killed at once.",
    "cgroup.subtree_control": "Which controllers the groups below get.",
    "io.max": "The most bytes and operations a second of a disk.",
}


def _mkdir(call: Call) -> tuple[CallKind, str]:
    if text(call.given[0]).startswith("/sys/fs/cgroup"):
        return "cgroup", "A control group is made: a folder, in which the kernel puts the files for its limits."
    return "file", "A folder is made."


def _rmdir(call: Call) -> tuple[CallKind, str]:
    if text(call.given[0]).startswith("/sys/fs/cgroup"):
        return "cgroup", "The control group is removed, as nobody is in it any more."
    return "file", "A folder is removed."


def _prctl(call: Call) -> tuple[CallKind, str]:
    return "privilege" if call.given[0] in (8, 24, 38, 47) else "process", _PRCTL.get(call.given[0], "")


_PRCTL = {
    1: "The caller gets this signal when its parent ends, so that nothing outlives who looks after it.",
    4: "Whether others may trace the process and open its files in /proc.",
    8: "Capabilities survive the change to another user, until execve.",
    15: "The name that ps and top show.",
    24: "Capabilities outside the bounding set can't be had again, whatever is executed.",
    36: "Orphans among its descendants become its own children.",
    38: "No program that is executed from here on gains privileges, set-user-ID or not.",
    47: "Capabilities that a program keeps which knows nothing of them.",
}


def _capset(call: Call) -> tuple[CallKind, str]:
    import struct

    words = struct.unpack("=6I", call.given[1])
    held = capability_names(words[1] | words[4] << 32)
    return "privilege", f"From here on the process may use at most these capabilities: {held}."


def _seccomp(call: Call) -> tuple[CallKind, str]:
    words = f"The kernel asks a program of {len(call.given[2]) // 8} instructions before every system call, for ever."
    return "privilege", words


def _netlink(call: Call) -> tuple[CallKind, str]:
    if call.given[0] == 12:
        return "firewall", "A transaction of nf_tables: all of it takes effect together, or none."
    kinds = {int.from_bytes(request[4:6], "little") for request in call.given[1:]}
    if any(b"veth\0" in request for request in call.given[1:]):
        return "network", "A pair of devices like a cable: one end on the host's bridge, the other in the container."
    told = [sentence for kind, sentence in _ROUTE_MESSAGES if kind in kinds]
    return "network", " ".join(told) or "A request to the kernel's network stack."


_ROUTE_MESSAGES = (
    (16, "A device is made or changed."),
    (19, "A device is changed."),
    (17, "A device is removed, and with a veth its other end."),
    (20, "The device gets its address."),
    (21, "The device loses an address."),
    (24, "The way to everywhere else leads by the gateway."),
    (25, "A route is removed."),
)


def _openat2(call: Call) -> tuple[CallKind, str]:
    return (
        "file",
        f"{text(call.given[1])} is looked up below the root alone, so that no link in an image leads outside.",
    )


def _mknod(call: Call) -> tuple[CallKind, str]:
    return "file", f"The device node {text(call.given[0])}."


def _kill(_call: Call) -> tuple[CallKind, str]:
    return "process", "A signal by pidfd, which can't hit a later process with the same number."


def _execve(_call: Call) -> tuple[CallKind, str]:
    return "process", "The process becomes the container's program; tried in each folder of PATH."


def _vfork(call: Call) -> tuple[CallKind, str]:
    if call.path == "unpacker":
        return "process", "A process that unpacks: strangers' archives are read apart from whoever asked for them."
    return "process", "The launcher is started: an interpreter, run from a sealed copy of itself in memory."


def _always(kind: CallKind, sentence: str) -> Told:
    return lambda _: (kind, sentence)


_TOLD: dict[str, Told] = {
    "clone3": _clone3,
    "unshare": _unshare,
    "setns": _setns,
    "mount": _mount,
    "umount2": _unmount,
    "fsopen": _fsopen,
    "fsconfig": _fsconfig,
    "fsmount": _fsmount,
    "fspick": _always("mount", "The options of a file system that is mounted are about to change."),
    "open_tree": _open_tree,
    "move_mount": _move_mount,
    "mount_setattr": _mount_setattr,
    "pivot_root": _always("mount", "The container's root becomes the root of its mount namespace."),
    "chroot": _always("mount", "The folder becomes the caller's root."),
    "write": _write,
    "mkdir": _mkdir,
    "rmdir": _rmdir,
    "openat2": _openat2,
    "open": _always("file", "A descriptor, by which a later call names what it works on."),
    "mknod": _mknod,
    "prctl": _prctl,
    "capset": _capset,
    "capget": _always("privilege", "Which capabilities the process has."),
    "seccomp": _seccomp,
    "bpf": _always("cgroup", "A program that the kernel asks whether the container may use a device."),
    "keyctl": _always("privilege", "A session keyring of its own: keys have no namespace."),
    "setresuid": _always("privilege", "The process becomes another user: real, effective and saved."),
    "setresgid": _always("privilege", "The process gets another group: real, effective and saved."),
    "setgroups": _always("privilege", "The further groups that the process is in."),
    "setrlimit": _always("privilege", "A limit of the process itself (ulimit)."),
    "prlimit": _always("privilege", "A limit of another process (ulimit), set from outside."),
    "sethostname": _always("namespace", "The host name in its UTS namespace."),
    "setdomainname": _always("namespace", "The NIS domain name in its UTS namespace."),
    "sendto": _netlink,
    "vfork": _vfork,
    "fork": _always("process", "A process for one layer. It shares all namespaces, and has that layer's folder alone."),
    "unlinkat": _always("file", "A name is removed, by the descriptor of its folder: no link in there is followed."),
    "rename": _always("file", "It gets its name in one step: whoever looks sees all of it or nothing."),
    "fsync": _always("file", "What was written reaches the disk before anybody relies on it."),
    "syncfs": _always("file", "All files of the layer reach the disk before it gets its name."),
    "ioctl": _always("network", "The loopback device of the new network namespace is brought up."),
    "sendmsg": _always("process", "Descriptors go to another process, which may use what it couldn't open itself."),
    "recvmsg": _always(
        "process", "Descriptors arrive from another process, mounts that only a privileged one can make."
    ),
    "pidfd_send_signal": _kill,
    "waitpid": _always("process", "The end of the container's first process, and its exit status."),
    "execve": _execve,
    "close_range": _always("process", "Descriptors that nobody inside may find are closed, all at once."),
    "sigaction": _always("process", "A signal does again what it does by default."),
    "chdir": _always("process", "The working directory."),
    "fchdir": _always("process", "The working directory, by descriptor."),
    "close": _always("mount", "The last hold on the namespace goes: the kernel unmounts all that was in it."),
    "madvise": _always("process", "Memory is made ready before it is needed."),
    "fstatfs": _always("file", "Which file system this is: it must be what it claims to be."),
}

"""Arguments of calls in the form that strace(1) gives them."""

from __future__ import annotations

import os
import resource
import stat
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.linux import capabilities, mounts, trace
from engine.signal_names import signal_name
from engine.xray import firewall_text, flags, netlink_text
from engine.xray.flags import named
from engine.xray.handles import Handles

_LONGEST = 400  # characters of one text
_CLONE_ARGUMENTS = struct.Struct("=11Q")
_MOUNT_ATTRIBUTES = struct.Struct("=4Q")
_OPEN_HOW = struct.Struct("=3Q")
_CAPABILITY_SETS = struct.Struct("=6I")
_ROUTE, _NETFILTER = 0, 12
_PROPAGATION = {1 << 17: "MS_UNBINDABLE", 1 << 18: "MS_PRIVATE", 1 << 19: "MS_SLAVE", 1 << 20: "MS_SHARED"}
_LIMITS = {getattr(resource, name): name for name in dir(resource) if name.startswith("RLIMIT_")}


class Call(NamedTuple):
    """A call as its arguments are to be understood.

    Attributes:
        path: what its caller said about it.
        handles: the descriptors of its process.
    """

    given: tuple[Any, ...]
    path: str
    handles: Handles


Shown = Callable[[Call], str]


def arguments(name: str, call: Call) -> str:
    """What a call was told."""
    if call.given[:1] == (trace.MANY,):
        return text(call.given[2])
    try:
        return _SHOWN.get(name, _plain)(call)
    except (ValueError, TypeError, IndexError, KeyError, struct.error):  # a recording of another version
        return _plain(call)


def quoted(value: object) -> str:
    """A text in quotes, an absent one as NULL, and everything else as it is."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        value = value.rstrip(b"\0").decode(errors="replace")
    if not isinstance(value, str):
        return str(value)
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain[:_LONGEST]}…"' if len(plain) > _LONGEST else f'"{plain}"'


def capability_names(mask: int) -> str:
    """A set of capabilities; a full one and an empty one by a word."""
    full = (1 << len(capabilities.NAMES)) - 1
    if mask & full == full:
        return "all"
    names = [name.removeprefix("CAP_").lower() for name, bit in capabilities.NUMBERS.items() if mask >> bit & 1]
    return " ".join(names) or "none"


def text(value: object) -> str:
    """Bytes or text as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


def _plain(call: Call) -> str:
    words = ", ".join(quoted(value) if isinstance(value, str | bytes | None) else str(value) for value in call.given)
    return f"{words} /* {call.path} */" if call.path and call.path not in words else words


def _clone3(call: Call) -> str:
    found = _CLONE_ARGUMENTS.unpack(call.given[0])
    words = [f"flags={named(found[0], flags.CLONE)}"]
    words += [f"exit_signal={signal_name(found[4])}"] if found[4] else []
    words += [f"cgroup={call.handles.shown(found[10])}"] if found[0] & 0x200000000 else []
    return f"{{{', '.join(words)}}}, {call.given[1]}"


def _setns(call: Call) -> str:
    return f"{call.handles.shown(call.given[0], call.path)}, {named(call.given[1], flags.CLONE)}"


def _mount(call: Call) -> str:
    source, target, kind, bits, data = call.given
    place = call.handles.place(text(target))
    where = quoted(target) + (f"<{place}>" if place != text(target) else "")
    return f"{quoted(source)}, {where}, {quoted(kind)}, {named(bits, flags.MOUNT)}, {quoted(data)}"


def _unmount(call: Call) -> str:
    return f"{quoted(call.given[0])}, {named(call.given[1], flags.UNMOUNT)}"


def _fsopen(call: Call) -> str:
    return f"{quoted(call.given[0])}, {named(call.given[1], flags.FSOPEN)}"


def _fspick(call: Call) -> str:
    return f"{call.handles.shown(call.given[0])}, {quoted(call.given[1])}, {named(call.given[2], flags.FSPICK)}"


def _fsconfig(call: Call) -> str:
    context, command, key, value, auxiliary = call.given
    last = call.handles.shown(auxiliary) if flags.FSCONFIG[command] == "FSCONFIG_SET_FD" else str(auxiliary)
    return f"{call.handles.shown(context)}, {flags.FSCONFIG[command]}, {quoted(key)}, {quoted(value)}, {last}"


def _fsmount(call: Call) -> str:
    context, bits, attributes = call.given
    return f"{call.handles.shown(context)}, {named(bits, flags.FSMOUNT)}, {named(attributes, flags.MOUNT_ATTRIBUTES)}"


def _open_tree(call: Call) -> str:
    return f"{call.handles.shown(call.given[0])}, {quoted(call.given[1])}, {named(call.given[2], flags.OPEN_TREE)}"


def _move_mount(call: Call) -> str:
    origin, from_path, target, to_path, bits = call.given
    ends = f"{call.handles.shown(origin)}, {quoted(from_path)}, {call.handles.shown(target)}, {quoted(to_path)}"
    return f"{ends}, {named(bits, flags.MOVE_MOUNT)}"


def _mount_setattr(call: Call) -> str:
    descriptor, name, bits, packed = call.given[:4]
    added, cleared, propagation, namespace = _MOUNT_ATTRIBUTES.unpack(packed)
    words = [f"attr_set={named(added, flags.MOUNT_ATTRIBUTES)}"]
    atime = {mounts.MOUNT_ATTR__ATIME: "MOUNT_ATTR__ATIME"}
    words += [f"attr_clr={named(cleared, {**flags.MOUNT_ATTRIBUTES, **atime})}"] if cleared else []
    words += [f"propagation={named(propagation, _PROPAGATION)}"] if propagation else []
    words += [f"userns_fd={namespace}"] if added & 0x00100000 else []
    return f"{call.handles.shown(descriptor)}, {quoted(name)}, {named(bits, flags.AT)}, {{{', '.join(words)}}}"


def _openat2(call: Call) -> str:
    wanted, mode, resolve = _OPEN_HOW.unpack(call.given[2])
    words = [f"flags={named(wanted, flags.OPEN, 'O_RDONLY')}"]
    words += [f"mode=0{mode:o}"] if mode else []
    words += [f"resolve={named(resolve, flags.RESOLVE)}"] if resolve else []
    return f"{call.handles.shown(call.given[0])}, {quoted(call.given[1])}, {{{', '.join(words)}}}"


def _open(call: Call) -> str:
    return f"{quoted(call.given[0])}, {named(call.given[1], flags.OPEN, 'O_RDONLY')}"


def _write(call: Call) -> str:
    return f"{call.handles.shown(call.given[0], call.path)}, {quoted(call.given[1])}"


def _mkdir(call: Call) -> str:
    return f"{quoted(call.given[0])}, 0{call.given[1]:o}" if len(call.given) > 1 else quoted(call.given[0])


def _mknod(call: Call) -> str:
    name, mode, device = call.given
    kind = flags.FILE_TYPES.get(stat.S_IFMT(mode), hex(stat.S_IFMT(mode)))
    return f"{quoted(name)}, {kind}|0{stat.S_IMODE(mode):o}, makedev({os.major(device)}, {os.minor(device)})"


def _prctl(call: Call) -> str:
    option = flags.PRCTL.get(call.given[0], str(call.given[0]))
    if option == "PR_CAPBSET_DROP" and len(call.given) == 3:
        return f"{option}, all {call.given[2]} but: {capability_names(call.given[1])}"  # each with a call of its own
    if option == "PR_CAP_AMBIENT":
        name = flags.AMBIENT.get(call.given[1], str(call.given[1]))
        return f"{option}, {name}" + (f", {capabilities.NAMES[call.given[2]]}" if name.endswith("RAISE") else "")
    if option == "PR_SET_PDEATHSIG":
        return f"{option}, {signal_name(call.given[1]) if call.given[1] else 0}"
    return f"{option}, {quoted(call.given[1])}"


def _capset(call: Call) -> str:
    words = _CAPABILITY_SETS.unpack(call.given[1])
    effective, permitted, inheritable = (words[place] | words[place + 3] << 32 for place in range(3))
    named_sets = (("effective", effective), ("permitted", permitted), ("inheritable", inheritable))
    return ", ".join(f"{label}=({capability_names(mask)})" for label, mask in named_sets)


def _capget(_call: Call) -> str:
    return "0, …"


def _seccomp(call: Call) -> str:
    import hashlib

    program = call.given[2]
    digest = hashlib.sha256(program).hexdigest()
    told = f"{{{len(program) // 8} instructions, sha256 {digest[:16]}…}}"
    return f"SECCOMP_SET_MODE_FILTER, {named(call.given[1], flags.SECCOMP)}, {told}"


def _bpf(call: Call) -> str:
    return f"{flags.BPF.get(call.given[0], call.given[0])}, …, {call.given[2]}"


def _keyctl(call: Call) -> str:
    return "KEYCTL_JOIN_SESSION_KEYRING, NULL" if call.given[0] == 1 else str(call.given[0])


def _close_range(call: Call) -> str:
    last = "~0U" if call.given[1] == 0xFFFFFFFF else str(call.given[1])
    return f"{call.given[0]}, {last}, {named(call.given[2], flags.CLOSE_RANGE)}"


def _sigaction(call: Call) -> str:
    return f"{signal_name(call.given[0])}, SIG_DFL, NULL"


def _send_signal(call: Call) -> str:
    return f"{call.handles.shown(call.given[0], 'pidfd of init')}, {signal_name(call.given[1])}"


def _execve(call: Call) -> str:
    program, words, variables = call.given
    return f"{quoted(program)}, [{', '.join(map(quoted, words))}], {{{variables} environment variables}}"


def _limit(call: Call) -> str:
    *who, number, values = call.given
    soft, hard = ("RLIM_INFINITY" if value == resource.RLIM_INFINITY else str(value) for value in values)
    return ", ".join([*map(str, who), _LIMITS.get(number, str(number)), f"{{soft={soft}, hard={hard}}}"])


def _sendto(call: Call) -> str:
    protocol, *requests = call.given
    if protocol == _NETFILTER:
        return f"NETLINK_NETFILTER, {firewall_text.batch(requests)}"
    return f"NETLINK_ROUTE, {'; '.join(map(netlink_text.message, requests))}"


def _rights(call: Call) -> str:
    return f"SCM_RIGHTS, [{', '.join(map(call.handles.shown, call.given))}]"


def _ioctl(call: Call) -> str:
    return f'SIOCSIFFLAGS, {{"{call.path}", IFF_UP}}' if call.given[1] == 0x8914 else _plain(call)


def _ids(call: Call) -> str:
    return ", ".join(map(str, call.given))


def _descriptor(call: Call) -> str:
    return call.handles.shown(call.given[0], call.path)


_SHOWN: dict[str, Shown] = {
    "clone3": _clone3,
    "vfork": lambda _: "",
    "unshare": lambda call: named(call.given[0], flags.CLONE),
    "setns": _setns,
    "mount": _mount,
    "umount2": _unmount,
    "fsopen": _fsopen,
    "fspick": _fspick,
    "fsconfig": _fsconfig,
    "fsmount": _fsmount,
    "open_tree": _open_tree,
    "move_mount": _move_mount,
    "mount_setattr": _mount_setattr,
    "openat2": _openat2,
    "open": _open,
    "write": _write,
    "mkdir": _mkdir,
    "mknod": _mknod,
    "prctl": _prctl,
    "capset": _capset,
    "capget": _capget,
    "seccomp": _seccomp,
    "bpf": _bpf,
    "keyctl": _keyctl,
    "close_range": _close_range,
    "sigaction": _sigaction,
    "pidfd_send_signal": _send_signal,
    "execve": _execve,
    "setrlimit": _limit,
    "prlimit": _limit,
    "sendto": _sendto,
    "sendmsg": _rights,
    "recvmsg": _rights,
    "ioctl": _ioctl,
    "setresuid": _ids,
    "setresgid": _ids,
    "fstatfs": lambda call: f"{_descriptor(call)}, {{f_type}}",
    "fchdir": _descriptor,
    "close": _descriptor,
    "fsync": _descriptor,
    "syncfs": _descriptor,
    "fork": lambda _: "",
}

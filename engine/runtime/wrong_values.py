"""Values in a ``config.json`` that no kernel and no container can make sense of, found before anything is made.

What the kernel refuses in words that people understand is left to it; here is what it would take for something else,
such as the user 4294967295, which to setresuid(2) is no user but "leave it as it is": root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.errors import InvalidRequest
from engine.linux import scheduling
from engine.oci.linux_spec import IdMapping, Linux
from engine.oci.process_spec import ExecCPUAffinity, Process, User
from engine.oci.runtime_spec import Hook, Hooks, Spec

_LAST_ID = 2**32 - 2  # 2**32 - 1 is (uid_t) -1
_LAST_MODE = 0o7777
_LONGEST_NAME = 64  # __NEW_UTS_LEN
_MOST_CELLS = 2**16 - 1  # struct winsize


def refuse(spec: Spec) -> None:
    """See that all values can be meant.

    Raises:
        InvalidRequest: with the name of the field (config.md and config-linux.md of the OCI runtime specification).
    """
    if spec.process is not None:
        refuse_process(spec.process)
    for name, value in (("hostname", spec.hostname), ("domainname", spec.domainname)):
        if len(value.encode()) > _LONGEST_NAME:
            raise _wrong(name, value, f"{_LONGEST_NAME} bytes is the longest that a kernel takes")
    if not all(mount.destination for mount in spec.mounts):
        raise _wrong("mounts.destination", "", "write a path in the container")
    if "" in spec.annotations:
        raise _wrong("annotations", "", "give each a key")
    if spec.hooks != Hooks():
        _refuse_hooks(spec.hooks)
    if spec.linux is not None:
        _refuse_linux(spec.linux)


def refuse_process(process: Process) -> None:
    """As `refuse`, for the process that is to be executed in a container."""
    _refuse_user(process.user)
    if not process.cwd.startswith("/"):
        raise _wrong("process.cwd", process.cwd, "write an absolute path")
    for text in (process.cwd, *process.args, *process.env):
        if "\0" in text:
            raise _wrong("process", text, "no path, argument or variable has a null character")
    for entry in process.env:
        if entry.startswith("="):
            raise _wrong("process.env", entry, "write NAME=VALUE")
    size = process.console_size
    if size is not None and not (0 <= size.height <= _MOST_CELLS and 0 <= size.width <= _MOST_CELLS):
        raise _wrong("process.consoleSize", f"{size.height}x{size.width}", f"both are 0 to {_MOST_CELLS}")
    if process.scheduler is not None and not -20 <= process.scheduler.nice <= 19:
        raise _wrong("process.scheduler.nice", process.scheduler.nice, "it is -20 to 19")
    if process.exec_cpu_affinity is not None:
        _refuse_affinity(process.exec_cpu_affinity)


def _refuse_user(user: User) -> None:
    ids = (("uid", user.uid), ("gid", user.gid), *(("additionalGids", gid) for gid in user.additional_gids))
    for name, number in ids:
        if not 0 <= number <= _LAST_ID:
            raise _wrong(f"process.user.{name}", number, f"ids are 0 to {_LAST_ID}")
    if user.umask is not None and not 0 <= user.umask <= _LAST_MODE:
        raise _wrong("process.user.umask", user.umask, f"as an octal number it is 0 to {_LAST_MODE:o}")


def _refuse_affinity(affinity: ExecCPUAffinity) -> None:
    for name, text in (("initial", affinity.initial), ("final", affinity.final)):
        try:
            if text and not scheduling.processors(text):
                raise ValueError
        except ValueError as error:
            raise _wrong(f"process.execCPUAffinity.{name}", text, "write it as 0-3,7") from error


def _refuse_hooks(hooks: Hooks) -> None:
    kinds = {
        "prestart": hooks.prestart, "createRuntime": hooks.create_runtime, "createContainer": hooks.create_container,
        "startContainer": hooks.start_container, "poststart": hooks.poststart, "poststop": hooks.poststop,
    }  # fmt: skip
    for kind, each in kinds.items():
        for hook in each:
            _refuse_hook(f"hooks.{kind}", hook)


def _refuse_hook(name: str, hook: Hook) -> None:
    if not hook.path.startswith("/"):
        raise _wrong(f"{name}.path", hook.path, "write an absolute path")
    if hook.timeout is not None and hook.timeout <= 0:
        raise _wrong(f"{name}.timeout", hook.timeout, "it is at least 1 s")


def _refuse_linux(linux: Linux) -> None:
    kinds = [namespace.type for namespace in linux.namespaces]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise _wrong("linux.namespaces", kind, "name each namespace once")
    if (linux.uid_mappings or linux.gid_mappings) and "user" not in kinds:
        raise _wrong("linux.uidMappings", "", 'ids are mapped in a user namespace: add {"type": "user"}')
    if linux.time_offsets and "time" not in kinds:
        raise _wrong("linux.timeOffsets", "", 'clocks are set in a time namespace: add {"type": "time"}')
    _refuse_mappings("linux.uidMappings", linux.uid_mappings)
    _refuse_mappings("linux.gidMappings", linux.gid_mappings)
    _require_root(linux)
    _refuse_relative("linux.maskedPaths", linux.masked_paths)
    _refuse_relative("linux.readonlyPaths", linux.readonly_paths)
    _refuse_relative("linux.devices.path", (device.path for device in linux.devices))
    for device in linux.devices:
        if device.file_mode is not None and device.file_mode < 0:
            raise _wrong("linux.devices.fileMode", device.file_mode, "write permission bits")
        if min(device.major, device.minor) < 0 and device.type != "p":
            raise _wrong("linux.devices", f"{device.major}:{device.minor}", "numbers of devices begin at 0")
        if not (0 <= device.uid <= _LAST_ID and 0 <= device.gid <= _LAST_ID):
            raise _wrong("linux.devices", f"{device.uid}:{device.gid}", f"ids are 0 to {_LAST_ID}")


def _require_root(linux: Linux) -> None:
    user = linux.namespace("user")
    if user is None or user.path:
        return
    for name, mappings in (("linux.uidMappings", linux.uid_mappings), ("linux.gidMappings", linux.gid_mappings)):
        if all(mapping.container_id for mapping in mappings):
            raise _wrong(name, "", "map the container's id 0, which sets it up")


def _refuse_mappings(name: str, mappings: Sequence[IdMapping]) -> None:
    for mapping in mappings:
        if mapping.size < 1 or min(mapping.container_id, mapping.host_id) < 0:
            text = f"{mapping.container_id} {mapping.host_id} {mapping.size}"
            raise _wrong(name, text, "give each a size of at least 1, and ids from 0 on")


def _refuse_relative(name: str, paths: Iterable[str]) -> None:
    for path in paths:
        if not path.startswith("/"):
            raise _wrong(name, path, "write an absolute path")


def _wrong(name: str, value: object, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{name} can't be {value!r}" if value != "" else f"{name} is wrong", remedy)

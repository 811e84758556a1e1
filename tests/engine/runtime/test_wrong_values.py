"""What no config.json can mean is refused by its name, and what only looks unusual is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import InvalidRequest
from engine.oci.runtime_spec import Spec, decode
from engine.runtime import wrong_values

_ID = 4294967295  # (uid_t) -1, "leave it as it is": of a process of root's, root


def _spec(**parts: Any) -> Spec:
    process = {"args": ["true"], "cwd": "/"} | parts.pop("process", {})
    return decode(json.dumps({"ociVersion": "1.2.0", "process": process, **parts}).encode())


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"process": {"user": {"uid": _ID, "gid": 0}}}, "process.user.uid"),
        ({"process": {"user": {"uid": -1, "gid": 0}}}, "process.user.uid"),
        ({"process": {"user": {"uid": 1, "gid": _ID}}}, "process.user.gid"),
        ({"process": {"user": {"uid": 1, "gid": 1, "additionalGids": [2, -3]}}}, "process.user.additionalGids"),
        ({"process": {"user": {"uid": 1, "gid": 1, "umask": -1}}}, "process.user.umask"),
        ({"process": {"user": {"uid": 1, "gid": 1, "umask": 0o17777}}}, "process.user.umask"),
        ({"process": {"cwd": "relative"}}, "process.cwd"),
        ({"process": {"cwd": ""}}, "process.cwd"),
        ({"process": {"args": ["a\0b"]}}, "null character"),
        ({"process": {"env": ["A=\0"]}}, "null character"),
        ({"process": {"env": ["=C"]}}, "process.env can't be '=C'"),
        ({"process": {"consoleSize": {"height": -1, "width": 80}}}, "process.consoleSize"),
        ({"process": {"scheduler": {"policy": "SCHED_OTHER", "nice": 20}}}, "process.scheduler.nice"),
        ({"process": {"execCPUAffinity": {"initial": "bogus"}}}, "process.execCPUAffinity.initial"),
        ({"process": {"execCPUAffinity": {"initial": "0", "final": "3-1"}}}, "process.execCPUAffinity.final"),
        ({"hostname": "x" * 65}, "hostname"),
        ({"domainname": "é" * 33}, "domainname"),
        ({"annotations": {"": "x"}}, "annotations"),
        ({"mounts": [{"destination": "", "type": "tmpfs"}]}, "mounts.destination"),
        ({"hooks": {"poststop": [{"path": "relative"}]}}, "hooks.poststop.path"),
        ({"hooks": {"createContainer": [{"path": "/bin/true", "timeout": 0}]}}, "hooks.createContainer.timeout"),
        ({"linux": {"namespaces": [{"type": "pid"}, {"type": "pid", "path": "/x"}]}}, "linux.namespaces"),
        ({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}}, "linux.uidMappings"),
        (
            {
                "linux": {
                    "namespaces": [{"type": "user"}],
                    "gidMappings": [{"containerID": 0, "hostID": 1, "size": 0}],
                }
            },
            "linux.gidMappings",
        ),
        (
            {
                "linux": {
                    "namespaces": [{"type": "user"}],
                    "uidMappings": [{"containerID": 1, "hostID": 1, "size": 9}],
                    "gidMappings": [{"containerID": 0, "hostID": 1, "size": 9}],
                }
            },
            "linux.uidMappings is wrong: map the container's id 0",
        ),
        ({"linux": {"timeOffsets": {"monotonic": {"secs": 1}}}}, "linux.timeOffsets"),
        ({"linux": {"maskedPaths": ["proc/kcore"]}}, "linux.maskedPaths"),
        ({"linux": {"readonlyPaths": [""]}}, "linux.readonlyPaths"),
        ({"linux": {"devices": [{"type": "c", "path": "dev/null", "major": 1, "minor": 3}]}}, "linux.devices.path"),
        ({"linux": {"devices": [{"type": "c", "path": "/dev/x", "major": -1, "minor": 3}]}}, "linux.devices"),
        ({"linux": {"devices": [{"type": "p", "path": "/dev/x", "fileMode": -1}]}}, "linux.devices.fileMode"),
        ({"linux": {"devices": [{"type": "p", "path": "/dev/x", "uid": _ID}]}}, "linux.devices"),
    ],
)
def test_what_can_t_be_meant_is_refused_by_its_name(parts: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        wrong_values.refuse(_spec(**parts))
    assert name in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize(
    "parts",
    [
        {"process": {"user": {"uid": _ID - 1, "gid": _ID - 1, "umask": 0o7777}}},
        {"process": {"execCPUAffinity": {"initial": "0-1,3"}, "env": ["without_a_sign"]}},
        {"hostname": "x" * 64, "domainname": "(none)"},
        {"mounts": [{"destination": "relative", "type": "tmpfs"}]},
        {"hooks": {"prestart": [{"path": "/bin/true", "timeout": 1}, {"path": "/bin/true"}]}},
        {"linux": {"devices": [{"type": "p", "path": "/dev/fifo", "major": -1, "minor": -1}]}},
    ],
)
def test_what_is_unusual_and_has_a_meaning_is_not_refused(parts: dict[str, Any]) -> None:
    wrong_values.refuse(_spec(**parts))

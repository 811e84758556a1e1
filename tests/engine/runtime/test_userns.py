"""The throw-away user namespace that idmapped mounts are described by."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from engine.oci.linux_spec import IdMapping, Linux
from engine.runtime import userns
from engine.runtime.userns import open_mapping
from tests.conftest import needs_root

LINUX = Linux(
    uid_mappings=(IdMapping(container_id=0, host_id=1_000_013_824, size=65_536),),
    gid_mappings=(IdMapping(container_id=0, host_id=1_000_013_824, size=65_536),),
)


@pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)
def test_a_mapping_leaves_nobody_behind_when_its_maker_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold all that the maker had open, such as a container's lock."""
    told, tell = os.pipe()
    maker = os.fork()
    if maker == 0:

        def die(pid: int, linux: Linux) -> None:
            os.write(tell, str(pid).encode())
            time.sleep(0.05)  # the child has its death signal by then
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(userns, "write_maps", die)
        open_mapping(LINUX)
        os._exit(1)
    child = int(os.read(told, 20))
    assert os.waitstatus_to_exitcode(os.waitpid(maker, 0)[1]) == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{child}").exists()
    os.close(told)
    os.close(tell)


@pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)
def test_a_mapping_is_a_user_namespace_with_nobody_in_it() -> None:
    descriptor = open_mapping(LINUX)
    try:
        assert os.readlink(f"/proc/self/fd/{descriptor}").startswith("user:[")
        assert os.fstat(descriptor).st_ino != os.stat("/proc/self/ns/user").st_ino
    finally:
        os.close(descriptor)

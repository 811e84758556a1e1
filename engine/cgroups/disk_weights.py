"""Whether weights of disks count for anything: the kernel takes them, also where nobody shares out a disk's time."""

from __future__ import annotations

import glob

from engine.cgroups import folders, layout

_SCHEDULERS = "/sys/block/*/queue/scheduler"
_SHARING = ("[bfq]", "[cfq]")  # the latter until Linux 5.0


def count() -> bool:
    """Whether some disk is shared by weight.

    Either its scheduler does that (bfq-iosched.rst, "BFQ group scheduling"), or on v2 the cost model, which is off
    until somebody switches it on (cgroup-v2.rst, "io.cost.qos").
    """
    schedulers = map(folders.read, glob.glob(_SCHEDULERS))
    if any(name in scheduler for scheduler in schedulers for name in _SHARING):
        return True
    return "enable=1" in folders.read(f"{layout.detect().unified}/io.cost.qos")

"""What puts limits back as they were: worked out before the first one is written, so that it can be kept on disk."""

from __future__ import annotations

from engine.cgroups.limits import Write
from engine.cgroups.raw_settings import line_key

_WEIGHTS = {"cpu.idle": ("cpu.weight", "cpu.shares")}  # leaving idleness gives back the default weight, not the old one
_RESETS = {
    "io.max": "rbps=max wbps=max riops=max wiops=max",
    "io.latency": "target=0",
    "io.weight": "default",
    "io.bfq.weight": "default",
    "blkio.bfq.weight_device": "default",
    "rdma.max": "hca_handle=max hca_object=max",
    "misc.max": "max",
    "dmem.max": "max",
}
_RESET_OF_OTHERS = "0"  # blkio.throttle.*, net_prio.ifpriomap


def value_before(write: Write, content: str) -> str | None:
    """What to write to have a file again as it is now; None where nothing can be said.

    Args:
        content: of the file. In one with a line for each device, only the device of `write` is put back.
    """
    if write.controller == "cpuset":
        return content or "\n"  # nothing of its own, which an empty write(2) wouldn't say
    key = line_key(write.value)
    lines = content.splitlines()
    if key:
        own = next((line for line in lines if line.partition(" ")[0] == key), None)
        return own or f"{key} {_RESETS.get(write.file, _RESET_OF_OTHERS)}"
    if len(lines) > 1:  # io.bfq.weight lists devices, too, and memory.oom_control begins with what is written to it
        return lines[0].removeprefix("oom_kill_disable ")
    return content or None


def companions(write: Write) -> tuple[Write, ...]:
    """Further files that a write changes by itself; those that the kernel hasn't got may be among them."""
    return tuple(Write(write.controller, file, "") for file in _WEIGHTS.get(write.file, ()))

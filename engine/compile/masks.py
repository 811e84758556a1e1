"""What is hidden from a container, and what it can only read (config-linux.md, "Masked Paths", "Readonly Paths")."""

from __future__ import annotations

import os

from engine.options import Security

MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
)  # fmt: skip
_KERNEL_MESSAGES = "/proc/dynamic_debug"  # root turns the kernel's own on and off there; docker leaves it open
READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_PROCESSORS = "/sys/devices/system/cpu"


def masked(security: Security) -> tuple[str, ...]:
    """Paths to be hidden; as docker's, with what tells of heat and so of neighbours (moby, oci/defaults_linux.go)."""
    if _is_open(security):
        return ()
    more = (_KERNEL_MESSAGES,) if os.path.exists(_KERNEL_MESSAGES) else ()
    return MASKED + more + tuple(f"{_PROCESSORS}/{name}/thermal_throttle" for name in _throttled())


def readonly(security: Security) -> tuple[str, ...]:
    """Paths to be read-only."""
    return () if _is_open(security) else READONLY


def _is_open(security: Security) -> bool:
    return security.privileged or security.unmasked


def _throttled() -> list[str]:
    try:
        names = sorted(os.listdir(_PROCESSORS))
    except OSError:
        return []
    return [name for name in names if os.path.isdir(f"{_PROCESSORS}/{name}/thermal_throttle")]

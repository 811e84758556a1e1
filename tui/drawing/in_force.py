"""Which limits bind a container in the end, and who sets them, in one line."""

from __future__ import annotations

from engine.model import Container
from engine.model.limits_in_force import MACHINE, LimitsInForce
from tui.drawing import units
from tui.drawing.lines import Line, Span, Tone, joined, line

_DOT = Span(" · ", Tone.FAINT)


def origin_of(container: Container, path: str) -> str:
    """Which other control group a limit comes from; empty when it is the container's own, or none."""
    return "" if not path.startswith("/") or container.id in path else path


def in_force_line(container: Container, limits: LimitsInForce) -> Line:
    """Memory, processors and processes; a limit of a group above says so."""
    memory, cpus, pids = limits.memory_limit_bytes, limits.cpus_limit, limits.pids_limit
    return joined(
        (
            line(Span("in force", Tone.MUTED)),
            _without_effect(container, limits)
            or _limit("memory", units.size(memory) if memory else "", origin_of(container, limits.memory_from)),
            _limit("cpus", units.cpus(cpus) if cpus else "", origin_of(container, limits.cpus_from)),
            _limit("processes", str(pids) if pids else "", origin_of(container, limits.pids_from)),
        ),
        _DOT,
    )


def weight_line(container: Container, limits: LimitsInForce) -> Line:
    """That its weight of disks changes nothing; empty where it does, or has none."""
    asked = container.request.limits
    if limits.disk_weights_count or not (asked.io_weight or asked.device_weights):
        return ()
    return line(Span("disk weight", Tone.MUTED), Span(" counts for nothing: no disk's scheduler is bfq", Tone.WARN))


def _without_effect(container: Container, limits: LimitsInForce) -> Line | None:
    """That the machine has less memory than the container may have; None where that isn't so."""
    own = container.request.limits.memory_bytes or 0
    if limits.memory_from != MACHINE or own <= limits.memory_bytes:
        return None
    return line(
        Span("memory ", Tone.MUTED),
        units.size(limits.memory_bytes),
        Span(f", all that the machine has, below the limit of {units.size(own)}", Tone.WARN),
    )


def _limit(name: str, text: str, origin: str) -> Line:
    if not text:
        return line(Span(f"{name} unlimited", Tone.MUTED))
    return line(Span(f"{name} ", Tone.MUTED), text, Span(f", of {origin}" if origin else "", Tone.WARN))

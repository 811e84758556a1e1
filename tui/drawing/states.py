"""How a container's state looks everywhere: one glyph, one tone, one phrase."""

from __future__ import annotations

from engine.model import Container, State
from tui.drawing import units
from tui.drawing.lines import Span, Tone

_STOPPED_BY_SIGNAL = frozenset({0, 129, 130, 137, 143})  # HUP, INT, KILL, TERM: somebody wanted it to end

_FIXED_PHRASES = {
    State.CREATED: "created, never started",
    State.REMOVING: "being removed",
    State.DEAD: "dead: it couldn't be removed as a whole",
}


def failed(container: Container) -> bool:
    """Whether it ended in a way that a person should look at."""
    if container.is_running or container.state in (State.RESTARTING, State.REMOVING):
        return False
    return container.oom_killed or bool(container.error) or (container.exit_status or 0) not in _STOPPED_BY_SIGNAL


def glyph(container: Container) -> Span:
    """One character that says how it is."""
    if container.state is State.RUNNING:
        return Span("●", _health_tone(container))
    if container.state is State.PAUSED:
        return Span("◐", Tone.WARN)
    if container.state is State.RESTARTING:
        return Span("↻", Tone.WARN)
    if container.state is State.REMOVING:
        return Span("◌", Tone.MUTED)
    if container.oom_killed:
        return Span("▲", Tone.BAD)
    return Span("✕", Tone.BAD) if failed(container) else Span("○", Tone.MUTED)


def tone(container: Container) -> Tone:
    """The tone of its phrase."""
    if container.is_running:
        return _health_tone(container) if container.state is State.RUNNING else Tone.WARN
    if container.state is State.RESTARTING:
        return Tone.WARN
    return Tone.BAD if failed(container) else Tone.MUTED


def _health_tone(container: Container) -> Tone:
    if container.health is None or container.health.state == "healthy":
        return Tone.GOOD
    return Tone.BAD if container.health.state == "unhealthy" else Tone.WARN


def phrase(container: Container, now_unix_ns: int) -> str:
    """Its state in a few words, such as ``running 3h 12m`` or ``exited 0 · 2d 03h ago``."""
    if container.is_running:
        well = f" · {container.health.state}" if container.health is not None else ""
        return f"{container.state.value} {uptime(container, now_unix_ns)}{well}"
    if container.state in _FIXED_PHRASES:
        return _FIXED_PHRASES[container.state]
    if container.state is State.RESTARTING:
        return f"restarting, exited {container.exit_status or 0}"
    cause = "out of memory" if container.oom_killed else f"exited {container.exit_status or 0}"
    return f"{cause} · {_since(container.finished_unix_ns, now_unix_ns)} ago" if container.finished_unix_ns else cause


def uptime(container: Container, now_unix_ns: int) -> str:
    """How long it has been running."""
    return _since(container.started_unix_ns, now_unix_ns)


def _since(then_unix_ns: int | None, now_unix_ns: int) -> str:
    return units.duration((now_unix_ns - (then_unix_ns or now_unix_ns)) / 1e9)

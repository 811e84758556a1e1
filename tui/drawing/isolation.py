"""How well a container is kept apart from the machine, in a few words."""

from __future__ import annotations

from engine.model import Container
from tui.drawing.lines import Line, Span, Tone, joined, line

_DOT = Span(" · ", Tone.FAINT)


def sentence(container: Container) -> Line:
    """Whose ids it has, what it may do, and what else is unusual; short, for panels of fifty cells."""
    found = container.isolation
    if found is None:
        return line(Span("not known", Tone.MUTED))
    if container.request.security.privileged:
        return joined((line(Span("privileged", Tone.BAD)), _root(found.root_uid)), _DOT)
    notes = (
        ("read-only", Tone.MUTED, found.read_only),
        (f"{len(found.capabilities) or 'no'} capabilities", Tone.PLAIN, True),
        ("filtered", Tone.MUTED, found.filters_calls),
        ("calls unfiltered", Tone.WARN, not found.filters_calls),
        ("nothing hidden", Tone.WARN, not found.hides_paths),
        ("no new privileges", Tone.MUTED, found.no_new_privileges),
    )
    return joined((_root(found.root_uid), *(line(Span(text, tone)) for text, tone, is_so in notes if is_so)), _DOT)


def words(container: Container) -> Line:
    """The same in one word, where there is anything to say."""
    if container.request.security.privileged:
        return line(Span("privileged", Tone.BAD))
    if container.isolation is not None and container.isolation.root_uid == 0:
        return _root(0)
    return ()


def _root(uid: int) -> Line:
    return line(Span("own ids", Tone.PLAIN) if uid else Span("the host's ids", Tone.WARN))

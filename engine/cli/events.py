"""``boxdeck events``: what happens, as it happens."""

from __future__ import annotations

import asyncio
import sys
import time
from argparse import ArgumentTypeError
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec import field

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import Document
from engine.cli.formats import rfc3339
from engine.cli.json_text import compact_json
from engine.cli.moments import MOMENTS, moment
from engine.cli.output import format_argument, write_lines
from engine.cli.templates import Format
from engine.model import Event

if TYPE_CHECKING:
    from engine.engine import Engine

_NANOSECONDS = 1_000_000_000
_FILTERS = ("type", "event", "label", "container", "image", "network", "volume")
_HEALTH = "health_status"
_OF_KIND = {"network": {"type": "bridge"}, "volume": {"driver": "local"}}
_DETAILS = {"die": "exitCode", "kill": "signal", "rename": "oldName", "connect": "container", "disconnect": "container"}


class Filter(NamedTuple):
    """``KEY=VALUE`` of ``--filter``; events must pass one of each key."""

    key: str
    value: str

    def passes(self, event: Event) -> bool:
        """Whether it is about what was asked for."""
        if self.key == "type":
            return event.kind == self.value
        if self.key == "event":
            return self.value in (event.action, _action(event))
        if self.key == "label":
            label, is_exact, value = self.value.partition("=")
            return label in event.attributes and (not is_exact or event.attributes[label] == value)
        if self.key == "image" and event.kind == "container":
            return self._is_called(event.attributes.get("image", ""))
        return event.kind == self.key and (self._is_called(event.name) or event.subject.startswith(self.value))

    def _is_called(self, name: str) -> bool:
        """Whether it is a name, with or without the tag that an image's may have."""
        repository, colon, tag = name.rpartition(":")
        return self.value == name or (bool(colon) and "/" not in tag and self.value == repository)


class EventsOptions(Options):
    """Options of ``events``."""

    since: int | None
    until: int | None
    filters: list[Filter]
    format: Format


class _Actor(Document, frozen=True, kw_only=True):
    id: str = field(name="ID")
    attributes: dict[str, str]


class EventDocument(Document, frozen=True, kw_only=True):
    """``docker events --format json``, with our revision and details."""

    type: str
    action: str
    actor: _Actor
    scope: str = field(name="scope", default="local")
    time: int = field(name="time")
    time_ns: int = field(name="timeNano")
    revision: int


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--since", metavar="TIME", type=moment, help=f"those since then, too: {MOMENTS}")
    add("--until", metavar="TIME", type=moment, help="no later ones, and end then")
    add(
        "-f", "--filter", metavar="KEY=VALUE", dest="filters", type=_filter, action="append", default=[],
        help="only those with this type (container, image, network or volume), event, label (KEY or KEY=VALUE, of a "
        "container), container, image, network or volume; may be repeated",
    )  # fmt: skip
    format_argument(parser, "text")


def _filter(text: str) -> Filter:
    key, _, value = text.partition("=")
    if key not in _FILTERS or not value:
        raise ArgumentTypeError(f"{text!r} is not {'=…, '.join(_FILTERS)}=…")
    return Filter(key, value)


async def _events(engine: Engine, options: EventsOptions) -> int:
    left = None if options.until is None else (options.until - time.time_ns()) / _NANOSECONDS
    if left is not None and left <= 0:
        await engine.containers.refresh()
        for event in engine.latest_events(sys.maxsize):
            _show(event, options)
        return 0
    with suppress(TimeoutError):
        async with asyncio.timeout(left):
            async for event in engine.events(None if options.since is None else 0):
                _show(event, options)
    return 0


def _show(event: Event, options: EventsOptions) -> None:
    if not is_wanted(event, options.since, options.until, options.filters):
        return
    if options.format.name == "json":
        line = compact_json(event_document(event))
    else:
        line = options.format.line(event_document(event)) if options.format.is_plain else event_line(event)
    write_lines([line])
    sys.stdout.flush()


def is_wanted(event: Event, since: int | None, until: int | None, filters: list[Filter]) -> bool:
    """Whether an event is of the time and passes the filters: of each key one, and all of labels."""
    if (since is not None and event.at_unix_ns < since) or (until is not None and event.at_unix_ns > until):
        return False
    choices = {each.key for each in filters if each.key != "label"}
    return all(each.passes(event) for each in filters if each.key == "label") and all(
        any(each.passes(event) for each in filters if each.key == key) for key in choices
    )


def event_line(event: Event) -> str:
    """For people: ``2024-01-31T10:00:00.123456789Z container die 3f2a… (name=web, exitCode=0)``."""
    attributes = ", ".join(f"{key}={value}" for key, value in _attributes(event).items())
    return f"{rfc3339(event.at_unix_ns)} {event.kind} {_action(event)} {event.subject} ({attributes})"


def event_document(event: Event) -> EventDocument:
    """With docker's field names."""
    return EventDocument(
        type=event.kind,
        action=_action(event),
        actor=_Actor(id=event.subject, attributes=_attributes(event)),
        time=event.at_unix_ns // _NANOSECONDS,
        time_ns=event.at_unix_ns,
        revision=event.revision,
    )


def _action(event: Event) -> str:
    """Docker's word, which says of a health check what came of it, such as ``health_status: unhealthy``."""
    return f"{event.action}: {event.detail}" if event.action == _HEALTH else event.action


def _attributes(event: Event) -> dict[str, str]:
    """What docker calls attributes; the detail of a kind of event that docker doesn't have is ``detail``."""
    found = {**event.attributes, **_OF_KIND.get(event.kind, {}), "name": event.name}
    if event.kind == "volume":
        del found["name"]  # which is its id
    if event.detail and event.action != _HEALTH:
        found[_DETAILS.get(event.action, "detail")] = event.detail
    if event.count:
        found["count"] = str(event.count)
    return found


EVENTS = Command(EventsOptions, _arguments, with_engine(_events))

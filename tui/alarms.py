"""What a person should look at: containers that ran out of memory or met a limit, until they were looked at."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.model import Event

_QUIET_NS = 10 * 10**9
"""The same thing of the same container is said at most this often; what happens meanwhile is counted."""

_WORDS = {"oom": "ran out of memory", "memory": "met its memory limit", "pids": "met its limit of processes"}


class Alarm(Struct, frozen=True, kw_only=True):
    """What happened to a container, and how often since it was last looked at."""

    action: Literal["oom", "limit"]
    detail: str
    at_unix_ns: int
    count: int = 1

    @property
    def words(self) -> str:
        """Such as ``ran out of memory``."""
        return _WORDS.get("oom" if self.action == "oom" else self.detail, f"met a limit ({self.detail})")

    @property
    def more(self) -> str:
        """Who was killed, where that is known."""
        return self.detail if self.action == "oom" else ""


class Alarms:
    """The alarms of all containers, by their ids; running out of memory counts more than meeting a limit."""

    def __init__(self) -> None:
        self._alarms: dict[str, Alarm] = {}
        self._said_at: dict[tuple[str, str], int] = {}
        self._unsaid: dict[tuple[str, str], int] = {}

    def take(self, event: Event) -> str:
        """Hear of an event; returns a sentence to say now, or nothing."""
        if event.kind != "container":
            return ""
        if event.action in ("start", "destroy"):
            self._forget(event.subject)
        if event.action not in ("oom", "limit"):
            return ""
        self._raise(event)
        return self._sentence(event)

    def of(self, container_id: str) -> Alarm | None:
        """A container's alarm."""
        return self._alarms.get(container_id)

    def drop(self, container_id: str | None) -> None:
        """It was looked at, runs anew, or has gone."""
        self._alarms.pop(container_id or "", None)

    def _forget(self, container_id: str) -> None:
        """It begins anew, or is no more."""
        self.drop(container_id)
        for key in [key for key in self._said_at if key[0] == container_id]:
            del self._said_at[key]
            self._unsaid.pop(key, None)

    def _raise(self, event: Event) -> None:
        before = self._alarms.get(event.subject)
        if before is not None and before.action == "oom" and event.action == "limit":
            return
        count = before.count + 1 if before is not None and before.action == event.action else 1
        self._alarms[event.subject] = _alarm(event, count)

    def _sentence(self, event: Event) -> str:
        key = (event.subject, event.action if event.action == "oom" else event.detail)
        if event.at_unix_ns - self._said_at.get(key, -_QUIET_NS) < _QUIET_NS:
            self._unsaid[key] = self._unsaid.get(key, 0) + 1
            return ""
        self._said_at[key] = event.at_unix_ns
        again = self._unsaid.pop(key, 0)
        times = f", and {again} times before that" if again > 1 else ", and once before that" if again else ""
        alarm = _alarm(event)
        return f"{event.name} {alarm.words}{f' ({alarm.more})' if alarm.more else ''}{times}"


def _alarm(event: Event, count: int = 1) -> Alarm:
    action: Literal["oom", "limit"] = "oom" if event.action == "oom" else "limit"
    return Alarm(action=action, detail=event.detail, at_unix_ns=event.at_unix_ns, count=count)

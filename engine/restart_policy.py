"""Restart policies: whether a container that has ended is started again, and when; the words are docker's."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.errors import InvalidRequest

PolicyName = Literal["no", "on-failure", "always", "unless-stopped"]
NAMES: tuple[PolicyName, ...] = ("no", "on-failure", "always", "unless-stopped")

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 60.0
HEALTHY_SECONDS = 10.0
"""Who has run for so long was well: the next delay is the first one again."""


class RestartPolicy(Struct, frozen=True, kw_only=True):
    """What to do when a container's first process has ended by itself.

    Attributes:
        name: ``no``; ``on-failure`` unless the exit status was 0; ``always``; ``unless-stopped``, which is the same
            but for the start of the machine, when what was stopped by hand stays so.
        most: of ``on-failure``, how often at most since it was started by hand; 0 for no bound.
    """

    name: PolicyName = "no"
    most: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.most}" if self.most else self.name

    def wants(self, exit_status: int, count: int) -> bool:
        """Whether a container is to be started again that nobody has stopped.

        Args:
            count: how often that was done since it was started by hand.
        """
        if self.name == "on-failure":
            return exit_status != 0 and (not self.most or count < self.most)
        return self.name in ("always", "unless-stopped")


class Restart(Struct, frozen=True, kw_only=True):
    """A start that will be made by itself.

    Attributes:
        at_unix_ns: when.
        count: which one it is since the container was started by hand, from 1.
        delay_seconds: how long it is put off.
    """

    at_unix_ns: int
    count: int
    delay_seconds: float


def next_restart(
    policy: RestartPolicy, last: Restart | None, exit_status: int, ran_seconds: float, now_unix_ns: int
) -> Restart | None:
    """The start that follows the end of a container; None when its policy wants none.

    Delays double from start to start, as docker's do, until one was worth it.

    Args:
        last: the restart that it was running by; None when it was started by hand.
    """
    count = last.count if last is not None else 0
    if not policy.wants(exit_status, count):
        return None
    if last is None or ran_seconds >= HEALTHY_SECONDS:
        delay = FIRST_DELAY_SECONDS
    else:
        delay = min(LONGEST_DELAY_SECONDS, 2 * last.delay_seconds)
    return Restart(at_unix_ns=now_unix_ns + round(delay * 1e9), count=count + 1, delay_seconds=delay)


def check(policy: RestartPolicy, auto_remove: bool) -> None:
    """Refuse a policy for a container that is removed at its end.

    Raises:
        InvalidRequest: it has one.
    """
    if auto_remove and policy.name != "no":
        raise InvalidRequest("a container that is removed at its end can't be restarted", "leave out --rm or --restart")


def policy_of(text: str) -> RestartPolicy:
    """A policy in docker's notation, such as ``on-failure:5``.

    Raises:
        InvalidRequest: there is no such policy.
    """
    name, has_most, most = text.partition(":")
    for known in NAMES:
        if name == known and (not has_most or (known == "on-failure" and most.isdecimal())):
            return RestartPolicy(name=known, most=int(most or 0))
    raise InvalidRequest(f"{text!r} is no restart policy", f"choose one of {', '.join(NAMES)}, or such as on-failure:5")

"""One thing that is needed."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Verdict(str, Enum):
    """Whether it is there: all of it, enough to begin with, or not."""

    GOOD = "good"
    LIMITED = "limited"
    MISSING = "missing"


class Part(Struct, frozen=True, kw_only=True):
    """What was found out about one thing that is needed.

    Attributes:
        name: in a word or two.
        says: what there is, or what isn't, in a sentence without a full stop.
        remedy: the command that mends it, or else what to do; empty where nothing is wrong.
        effect: what can't be done until then; empty where nothing is wrong.
    """

    name: str
    verdict: Verdict
    says: str
    remedy: str = ""
    effect: str = ""


def good(name: str, says: str) -> Part:
    """It is there."""
    return Part(name=name, verdict=Verdict.GOOD, says=says)


def limited(name: str, says: str, remedy: str, effect: str) -> Part:
    """It is there in part, or isn't needed by everything."""
    return Part(name=name, verdict=Verdict.LIMITED, says=says, remedy=remedy, effect=effect)


def missing(name: str, says: str, remedy: str, effect: str = "no container can start") -> Part:
    """Nothing goes without it."""
    return Part(name=name, verdict=Verdict.MISSING, says=says, remedy=remedy, effect=effect)

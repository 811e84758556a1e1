"""Names and ids of containers: made up, checked, looked up."""

from __future__ import annotations

import re

from engine.errors import InvalidRequest

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}")
_HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})")

_ADJECTIVES = (
    "amber", "brisk", "calm", "clear", "cosy", "deft", "eager", "fair", "fleet", "gentle", "golden", "hardy",
    "keen", "kind", "lively", "lucid", "mellow", "merry", "mild", "neat", "nimble", "noble", "plain", "polite",
    "proud", "quick", "quiet", "ready", "robust", "rosy", "sharp", "silent", "sleek", "smart", "snug", "solid",
    "stable", "steady", "sunny", "swift", "tidy", "trusty", "vivid", "warm", "wise", "witty",
)  # fmt: skip
_NOUNS = (
    "anchor", "barge", "beacon", "bollard", "bridge", "buoy", "canal", "capstan", "cargo", "coaster", "compass",
    "crane", "crate", "deck", "derrick", "dock", "ferry", "frigate", "galley", "gantry", "harbour", "hatch",
    "hull", "jetty", "keel", "ketch", "lantern", "lighter", "lock", "mast", "mooring", "pallet", "pier", "pilot",
    "quay", "rudder", "schooner", "sextant", "sloop", "spar", "stevedore", "tanker", "tiller", "trawler", "tug",
    "wharf", "winch", "yawl",
)  # fmt: skip


def new_id() -> str:
    """64 random hexadecimal digits, never all decimal in the first twelve (docker: they would look like a number)."""
    import secrets  # who only looks up containers makes no names

    while True:
        candidate = secrets.token_hex(32)
        if not candidate[:12].isdecimal():
            return candidate


def new_name() -> str:
    """A name for people to remember, such as ``quiet_harbour``; about two thousand of them."""
    import secrets

    return f"{secrets.choice(_ADJECTIVES)}_{secrets.choice(_NOUNS)}"


def check_name(name: str) -> None:
    """Refuse what docker refuses.

    Raises:
        InvalidRequest: for anything but letters, digits and ``_.-`` after a letter or digit.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} can't be a container's name",
            "use at least two letters, digits, and _ . - after the first, 128 at most",
        )


def check_hostname(name: str) -> None:
    """Refuse what sethostname(2) or a resolver would stumble over.

    Raises:
        InvalidRequest: more than 63 characters, or others than letters, digits, dots and dashes.
    """
    if not _HOSTNAME.fullmatch(name):
        raise InvalidRequest(f"{name!r} can't be a host name", "use up to 63 letters, digits, dots and dashes")

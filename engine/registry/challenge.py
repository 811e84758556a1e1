"""What a registry asks for when it doesn't know who we are: the WWW-Authenticate header (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

_SCHEME = re.compile(r"\s*([A-Za-z]+)\s+")
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?\s*')
_LONGEST = 8192


class Challenge(Struct, frozen=True):
    """One way to say who we are.

    Attributes:
        scheme: ``basic`` or ``bearer``.
        realm: for bearer, where tokens come from.
        service, scope: what such a token is asked for.
    """

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def parse(headers: Iterable[str]) -> Challenge | None:
    """The challenge that we can answer, bearer before basic; None where there is none."""
    found = [challenge for header in headers for challenge in _challenges(header[:_LONGEST])]
    by_scheme = {challenge.scheme: challenge for challenge in reversed(found)}
    return by_scheme.get("bearer") or by_scheme.get("basic")


def _challenges(header: str) -> Iterable[Challenge]:
    while (scheme := _SCHEME.match(header)) is not None:
        header = header[scheme.end() :]
        values: dict[str, str] = {}
        while (parameter := _PARAMETER.match(header)) is not None:
            name, quoted, bare = parameter.groups()
            values.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare)
            header = header[parameter.end() :]
        yield Challenge(scheme[1].lower(), values.get("realm", ""), values.get("service", ""), values.get("scope", ""))

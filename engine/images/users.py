"""Who a process runs as: a user that is asked for, resolved by the image's own passwd and group files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from engine.errors import InvalidRequest

_NUMBER = re.compile(r"[0-9]+")
_MAXIMUM_ID: Final = (1 << 32) - 2  # the last one means "nobody was meant" to the kernel


class User(Struct, frozen=True, kw_only=True):
    """A user as the kernel needs it, and its home and name as a shell does (name: the number where there is none)."""

    uid: int
    gid: int
    additional_gids: tuple[int, ...] = ()
    home: str = "/"
    name: str = ""


class _Account(Struct, frozen=True):
    name: str
    uid: int
    gid: int
    home: str


class _Group(Struct, frozen=True):
    name: str
    gid: int
    members: tuple[str, ...]


def resolve_user(wanted: str, passwd: bytes, group: bytes) -> User:
    """Resolve ``name|uid[:group|gid]`` by docker's rules (github.com/moby/sys/user, GetExecUser).

    A number wins over a name of the same spelling. A number without an entry keeps group 0 and home ``/``. An
    explicit group replaces the account's own and leaves out the additional ones.

    Args:
        wanted: empty means uid 0.
        passwd: contents of /etc/passwd; may be empty, lines that are malformed don't count.
        group: contents of /etc/group, likewise.

    Raises:
        InvalidRequest: a name that has no entry, or a number that is no id.
    """
    user_word, _, group_word = wanted.partition(":")
    account = _account(user_word, passwd)
    return User(
        uid=account.uid,
        gid=_explicit_group(group_word, group) if group_word else account.gid,
        additional_gids=() if group_word else _memberships(account.name, group),
        home=account.home or "/",
        name=account.name,
    )


def resolve_groups(words: tuple[str, ...], group: bytes, known: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Further groups by name or number, after those that are known already.

    Raises:
        InvalidRequest: as `resolve_user`.
    """
    return tuple(dict.fromkeys((*known, *(_explicit_group(word, group) for word in words))))


def names_by_uid(passwd: bytes) -> dict[int, str]:
    """Who a user id is to those who read this passwd file: the first line that has it counts (getpwuid(3))."""
    return {account.uid: account.name for account in reversed(list(_accounts(passwd)))}


def _account(word: str, passwd: bytes) -> _Account:
    uid = _identity(word or "0")
    for account in _accounts(passwd):
        if account.uid == uid if uid is not None else account.name == word:
            return account
    if uid is None:
        raise InvalidRequest(
            f"the image has no user named {word!r}", "choose one from its /etc/passwd or give a number"
        )
    return _Account(name=str(uid) if uid else "root", uid=uid, gid=0, home="/")


def _explicit_group(word: str, group: bytes) -> int:
    gid = _identity(word)
    for entry in _groups(group):
        if entry.gid == gid if gid is not None else entry.name == word:
            return entry.gid
    if gid is None:
        raise InvalidRequest(
            f"the image has no group named {word!r}", "choose one from its /etc/group or give a number"
        )
    return gid


def _memberships(name: str, group: bytes) -> tuple[int, ...]:
    return tuple(dict.fromkeys(entry.gid for entry in _groups(group) if name in entry.members))


def _identity(word: str) -> int | None:
    if not _NUMBER.fullmatch(word):
        return None
    if len(word) > 10 or int(word) > _MAXIMUM_ID:
        raise InvalidRequest(f"{word[:40]} is no user or group id", f"ids go from 0 to {_MAXIMUM_ID}")
    return int(word)


def _accounts(passwd: bytes) -> Iterator[_Account]:
    """Lines ``name:password:uid:gid:comment:home:shell`` (passwd(5))."""
    for fields in _lines(passwd, at_least=4):
        if _is_id(fields[2]) and _is_id(fields[3]):
            yield _Account(fields[0], int(fields[2]), int(fields[3]), fields[5] if len(fields) > 5 else "/")


def _groups(group: bytes) -> Iterator[_Group]:
    """Lines ``name:password:gid:member,member`` (group(5))."""
    for fields in _lines(group, at_least=3):
        if _is_id(fields[2]):
            members = fields[3].split(",") if len(fields) > 3 else ()
            yield _Group(fields[0], int(fields[2]), tuple(member for member in members if member))


def _lines(data: bytes, at_least: int) -> Iterator[list[str]]:
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        fields = line.strip().split(":")
        if len(fields) >= at_least and not line.startswith("#"):
            yield fields


def _is_id(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word)) and len(word) <= 10 and int(word) <= _MAXIMUM_ID

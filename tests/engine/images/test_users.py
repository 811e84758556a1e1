"""Who a container runs as, by docker's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest
from engine.images.users import User, resolve_user

PASSWD = b"""\
root:x:0:0:root:/root:/bin/sh
# a comment
broken line
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
app:x:1000:100::/home/app:/bin/sh
1234:x:77:78::/odd:/bin/sh
short:x:5:6
huge:x:99999999999:1::/:/bin/sh
"""
GROUP = b"""\
root:x:0:
adm:x:4:app,www-data
www-data:x:33:
users:x:100:
video:x:44:app
video2:x:44:app
"""


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", User(uid=0, gid=0, home="/root", name="root")),
        ("root", User(uid=0, gid=0, home="/root", name="root")),
        ("0", User(uid=0, gid=0, home="/root", name="root")),
        ("www-data", User(uid=33, gid=33, additional_gids=(4,), home="/var/www", name="www-data")),
        ("app", User(uid=1000, gid=100, additional_gids=(4, 44), home="/home/app", name="app")),
        ("1000", User(uid=1000, gid=100, additional_gids=(4, 44), home="/home/app", name="app")),
        ("1000:1000", User(uid=1000, gid=1000, home="/home/app", name="app")),
        ("app:adm", User(uid=1000, gid=4, home="/home/app", name="app")),
        ("4711", User(uid=4711, gid=0, home="/", name="4711")),
        ("4711:video", User(uid=4711, gid=44, home="/", name="4711")),
        (":adm", User(uid=0, gid=4, home="/root", name="root")),
        (":4711", User(uid=0, gid=4711, home="/root", name="root")),
        ("app:", User(uid=1000, gid=100, additional_gids=(4, 44), home="/home/app", name="app")),
        ("1234", User(uid=1234, gid=0, home="/", name="1234")),
        ("short", User(uid=5, gid=6, home="/", name="short")),
    ],
)
def test_users_are_found(wanted: str, expected: User) -> None:
    assert resolve_user(wanted, PASSWD, GROUP) == expected


@pytest.mark.parametrize(
    "wanted", ["nobody", "app:nogroup", "huge", "broken line", "#", "-1", "1e3", "٣", "4294967295"]
)
def test_unknown_users_and_groups_are_refused_in_one_sentence(wanted: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve_user(wanted, PASSWD, GROUP)
    assert "\n" not in str(caught.value)


def test_an_image_without_files_knows_root_and_numbers() -> None:
    assert resolve_user("", b"", b"") == User(uid=0, gid=0, home="/", name="root")
    assert resolve_user("7:8", b"", b"") == User(uid=7, gid=8, home="/", name="7")
    with pytest.raises(InvalidRequest, match="no user named 'app'"):
        resolve_user("app", b"", b"")


@given(st.text(max_size=20), st.binary(max_size=200), st.binary(max_size=200))
def test_any_file_is_survived(wanted: str, passwd: bytes, group: bytes) -> None:
    try:
        user = resolve_user(wanted, passwd, group)
    except InvalidRequest:
        return
    assert 0 <= user.uid < (1 << 32) - 1 and 0 <= user.gid < (1 << 32) - 1

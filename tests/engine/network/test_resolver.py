"""What a container finds in /etc/resolv.conf and /etc/hosts."""

from __future__ import annotations

import pytest

from engine.errors import InvalidRequest
from engine.network.resolver import Wish, check, extra_hosts, hosts_file, resolv_conf

STUB = "# systemd-resolved\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n"
REAL = "nameserver 192.0.2.53\nsearch lan\n"


@pytest.mark.parametrize(
    ("host", "fallback", "expected"),
    [
        ("nameserver 192.0.2.53\n", None, "nameserver 192.0.2.53\n"),
        ("search lan\nnameserver 192.0.2.53\n\n# note\n", None, "search lan\nnameserver 192.0.2.53\n"),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.53\n", None, "nameserver 192.0.2.53\n"),
        ("nameserver ::1\nnameserver 2001:db8::53\n", None, "nameserver 2001:db8::53\n"),
        ("nameserver fe80::1%eth0\n", None, "nameserver fe80::1%eth0\n"),
        (STUB, REAL, REAL),
        (STUB, None, "options edns0 trust-ad\nsearch lan\n"),
        (STUB, STUB, "options edns0 trust-ad\nsearch lan\n"),
        (REAL, "nameserver 192.0.2.99\n", REAL),
        ("", None, ""),
        ("nameserver\nnameserver nonsense\n", None, "nameserver\nnameserver nonsense\n"),
    ],
)
def test_only_servers_that_a_container_can_reach_are_kept(host: str, fallback: str | None, expected: str) -> None:
    assert resolv_conf(host, fallback) == expected


def test_a_container_knows_itself_by_name() -> None:
    assert hosts_file("web", ["10.89.0.7/24", "fd00::7/64"]).splitlines()[-2:] == ["10.89.0.7\tweb", "fd00::7\tweb"]
    assert hosts_file("web", []).splitlines()[-1] == "127.0.0.1\tweb"


def test_localhost_is_always_there() -> None:
    assert hosts_file("", []).startswith("127.0.0.1\tlocalhost\n::1\tlocalhost")


def test_further_hosts_come_before_the_container_itself() -> None:
    extra = extra_hosts(["db:192.0.2.7", "six=[2001:db8::7]", "host:host-gateway"], "10.89.0.1")
    assert extra == [("db", "192.0.2.7"), ("six", "2001:db8::7"), ("host", "10.89.0.1")]
    lines = hosts_file("web", ["10.89.0.7/24"], extra).splitlines()
    assert lines[2:] == ["192.0.2.7\tdb", "2001:db8::7\tsix", "10.89.0.1\thost", "10.89.0.7\tweb"]


def test_the_host_is_left_out_where_it_cannot_be_reached() -> None:
    assert extra_hosts(["host:host-gateway"], "") == []


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(servers=("192.0.2.1", "::1")), "nameserver 192.0.2.1\nnameserver ::1\nsearch lan\noptions ndots:1\n"),
        (Wish(search=("a.org", "b.org")), "nameserver 192.0.2.53\noptions ndots:1\nsearch a.org b.org\n"),
        (Wish(search=(".",)), "nameserver 192.0.2.53\noptions ndots:1\n"),
        (Wish(options=("ndots:2", "edns0")), "nameserver 192.0.2.53\nsearch lan\noptions ndots:2 edns0\n"),
    ],
)
def test_what_a_request_says_takes_the_place_of_the_hosts_words(wish: Wish, expected: str) -> None:
    assert resolv_conf(f"{REAL}options ndots:1\n", wish=wish) == expected


@pytest.mark.parametrize(
    ("wish", "extra", "words"),
    [
        (Wish(servers=("router",)), (), "--dns 'router' is not an address"),
        (Wish(search=("a b",)), (), "--dns-search 'a b' is not a domain"),
        (Wish(options=("a\nnameserver 6.6.6.6",)), (), "is not an option"),
        (Wish(), ("db",), "--add-host 'db' is not NAME:ADDRESS"),
        (Wish(), ("db:192.0.2.7\n6.6.6.6 bank",), "is not NAME:ADDRESS"),
        (Wish(), ("two words:192.0.2.7",), "is not NAME:ADDRESS"),
    ],
)
def test_what_would_make_another_file_is_refused(wish: Wish, extra: tuple[str, ...], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        check(wish, extra)

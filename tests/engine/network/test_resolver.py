"""What a container finds in /etc/resolv.conf and /etc/hosts."""

from __future__ import annotations

import pytest

from engine.network.resolver import hosts_file, resolv_conf

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
    assert hosts_file("web", "10.89.0.7/24").splitlines()[-1] == "10.89.0.7\tweb"
    assert hosts_file("web", None).splitlines()[-1] == "127.0.0.1\tweb"


def test_localhost_is_always_there() -> None:
    assert hosts_file("", None).startswith("127.0.0.1\tlocalhost\n::1\tlocalhost")

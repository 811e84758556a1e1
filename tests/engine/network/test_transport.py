"""Ready-made messages reach the kernel, and its words reach us."""

from __future__ import annotations

import errno
import os
from ipaddress import IPv4Network

import pytest

from engine.network import encode, firewall, interface, transport
from tests.engine.network.boxes import shell

MAC = "02:42:0a:59:00:01"


def test_a_refusal_carries_the_kernels_explanation(machine: None) -> None:
    with (
        transport.open_socket() as sock,
        pytest.raises(OSError, match=r"No such device \(.*Device not found\)") as info,
    ):
        transport.send_requests(sock, [encode.add_address("10.89.0.1/24", index=9999)])
    assert info.value.errno == errno.ENODEV


def test_a_refusal_without_an_explanation_still_has_its_errno(machine: None) -> None:
    request = encode.create_bridge("br0", MAC)
    with transport.open_socket() as sock, pytest.raises(FileExistsError):
        transport.send_requests(sock, [request, request])


def test_nothing_is_sent_after_a_refusal(machine: None) -> None:
    requests = [encode.delete_link("nosuch"), encode.create_bridge("br0", MAC)]
    with transport.open_socket() as sock, pytest.raises(OSError, match="No such device"):
        transport.send_requests(sock, requests)
    assert interface.index_of("br0") is None


def test_a_plain_socket_will_do(machine: None) -> None:
    import socket

    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        transport.send_requests(sock, [encode.create_bridge("br0", MAC), encode.set_link_up("br0", 1400)])
    assert interface.is_up("br0") and interface.mtu_of("br0") == 1400


def test_a_transaction_takes_effect_as_a_whole_or_not_at_all(machine: None) -> None:
    good = firewall._message("nft_table_msg", firewall._NEWTABLE, [("NFTA_TABLE_NAME", "one")], 0x400)
    bad = firewall._message("nft_table_msg", firewall._DELTABLE, [("NFTA_TABLE_NAME", "two")])
    with pytest.raises(FileNotFoundError):
        firewall._commit(good, bad)
    assert shell("nft list tables") == ""
    firewall._commit(good)
    assert shell("nft list tables") == "table inet one\n"


def test_a_rule_for_another_subnet_takes_the_old_ones_place(machine: None) -> None:
    old, new = IPv4Network("10.89.0.0/24"), IPv4Network("10.89.1.0/24")
    for subnet in (old, new, new):
        firewall.create("boxdeck_test", subnet, "br0")
    listing = shell("nft list table inet boxdeck_test")
    assert 'ip saddr 10.89.1.0/24 oifname != "br0" masquerade' in listing
    assert listing.count("masquerade") == 1
    query = firewall.rule_query("boxdeck_test")
    assert firewall.is_ready(query, new, "br0")
    assert not firewall.is_ready(query, old, "br0")
    assert not firewall.is_ready(query, new, "br1")


def test_removing_what_is_not_there_is_no_error(machine: None) -> None:
    firewall.remove("boxdeck_test")


def test_the_shims_half_needs_no_event_loop_and_no_pyroute2() -> None:
    import subprocess
    import sys

    program = (
        "import sys, engine.network.plan, engine.network.transport;"
        "print(sorted({'asyncio', 'pyroute2', 'sqlite3', 'textual'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=os.getcwd(), capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"

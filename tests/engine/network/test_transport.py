"""Ready-made messages reach the kernel, and its words reach us."""

from __future__ import annotations

import errno
import os

import pytest

from engine.network import encode, interface, nft, transport
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
    good, bad = nft.add_table("one", "made by a test"), nft.delete_table("two")
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        with pytest.raises(FileNotFoundError):
            transport.send_transaction(sock, nft.batch_begin(), [good, bad, bad], nft.batch_end())
        assert shell("nft list tables") == ""
        transport.send_transaction(sock, nft.batch_begin(), [good], nft.batch_end())
    assert shell("nft list tables") == "table inet one\n"


def test_the_shims_half_needs_no_event_loop_and_no_pyroute2() -> None:
    import subprocess
    import sys

    program = (
        "import sys, engine.network.plan, engine.network.transport;"
        "print(sorted({'asyncio', 'pyroute2', 'sqlite3', 'textual'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=os.getcwd(), capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"

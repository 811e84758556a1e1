"""Ready-made messages reach the kernel, and its words reach us."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from engine.network import encode, interface, nft, transport
from tests.engine.network.boxes import shell

MAC = "02:42:0a:59:00:01"
_RTM_GETSTATS = 94


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


def test_a_packed_dump_says_what_a_dump_says_however_many_messages_there_are(machine: None) -> None:
    with transport.open_socket() as sock:
        bridges = [encode.create_bridge(f"br{number}", MAC) for number in range(200)]
        request, body = transport.request(_RTM_GETSTATS, 0, struct.pack("=BxxxII", 0, 0, 1)), struct.Struct("=4xI4x20s")
        packed = transport.PackedDump(sock, request, body)
        for count in (0, 200):  # more than one datagram, and another number of messages than before
            transport.send_requests(sock, bridges[:count])
            plain = [body.unpack_from(message.payload) for message in transport.dump(sock, request)]
            assert [row[1:] for row in packed.read()] == plain
            assert len(plain) == 1 + count


def test_a_packed_dump_leaves_out_what_is_shorter(machine: None) -> None:
    with transport.open_socket() as sock:
        request = transport.request(_RTM_GETSTATS, 0, struct.pack("=BxxxII", 0, 0, 1))
        assert transport.PackedDump(sock, request, struct.Struct("=9999x")).read() == []


def test_a_refusal_of_a_packed_dump_is_an_error(machine: None) -> None:
    with transport.open_socket() as sock:
        request = transport.request(_RTM_GETSTATS, 0, struct.pack("=BxxxII", 0, 0, 0))  # statistics of no kind
        with pytest.raises(OSError, match="Invalid argument"):
            transport.PackedDump(sock, request, struct.Struct("=4xI")).read()

"""Docker's words for published ports, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest
from engine.model import PublishedPort
from engine.network.port_notation import container_port, exposed, published, summary


def port(container: int, host: int = 0, address: str = "", **further: object) -> PublishedPort:
    return PublishedPort(container_port=container, host_port=host, host_address=address, **further)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080:80", (port(80, 8080),)),
        ("8080:80/UDP", (port(80, 8080, protocol="udp"),)),
        ("8080:80/sctp", (port(80, 8080, protocol="sctp"),)),
        ("127.0.0.1:8080:80", (port(80, 8080, "127.0.0.1"),)),
        ("[::1]:8080:80", (port(80, 8080, "::1"),)),
        ("[::]:8080:80", (port(80, 8080, "::"),)),
        ("80", (port(80, is_chosen=True),)),
        ("0:80", (port(80, is_chosen=True),)),
        (":80", (port(80, is_chosen=True),)),
        ("127.0.0.1::80", (port(80, address="127.0.0.1", is_chosen=True),)),
        ("[::1]::80/udp", (port(80, address="::1", protocol="udp", is_chosen=True),)),
        ("80-81", (port(80, is_chosen=True), port(81, is_chosen=True))),
        ("8000-8001:80-81", (port(80, 8000), port(81, 8001))),
        ("127.0.0.1:8000-8001:80-81", (port(80, 8000, "127.0.0.1"), port(81, 8001, "127.0.0.1"))),
        ("8000-8010:80", (port(80, lowest=8000, highest=8010, is_chosen=True),)),
    ],
)
def test_words_become_values(text: str, expected: tuple[PublishedPort, ...]) -> None:
    assert published(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "web", "80:web", "0", "65536", "8080:0", "-1:80", "8080:80:80:80", "8080:80/", "8080:80/icmp",
        "8000-8002:80-81", "8002-8000:80-82", "8080-:80", "300.1.1.1:80:80", "::1:8080:80", "[::1:8080:80",
        "[fe80::1%eth0]:80:80", "[::ffff:10.0.0.1]:80:80", "localhost:80:80", "80-81-82", "8080 80",
    ],
)  # fmt: skip
def test_what_is_no_port_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidRequest):
        published(text)


@given(st.text("0123456789:-/[].tcpudx ", max_size=24))
def test_nothing_that_people_write_is_more_than_a_sentence(text: str) -> None:
    try:
        found = published(text)
    except InvalidRequest:
        return
    assert found and all(1 <= port.container_port <= 65535 for port in found)


def test_what_is_exposed_is_named_once() -> None:
    assert [port.container_words for port in exposed(["80", "80/tcp", "53/udp", "7000-7001"])] == [
        "80/tcp",
        "53/udp",
        "7000/tcp",
        "7001/tcp",
    ]
    assert container_port("53/udp").container_words == "53/udp"
    with pytest.raises(InvalidRequest):
        container_port("80-81")


def test_a_summary_puts_together_what_follows_one_another() -> None:
    ports = [port(82, 8002, "0.0.0.0"), port(80, 8000, "0.0.0.0"), port(81, 8001, "0.0.0.0"), port(90, 8003, "0.0.0.0")]
    assert summary(ports) == "0.0.0.0:8000-8002->80-82/tcp, 0.0.0.0:8003->90/tcp"
    assert summary([port(80, 8080, "::1", protocol="udp")]) == "[::1]:8080->80/udp"
    assert summary([]) == ""

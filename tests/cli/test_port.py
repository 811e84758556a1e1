"""``boxdeck run -p``, ``ps`` and ``port``, as people use them."""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.command_line import CommandLine
from tests.free_ports import free_port


def run(boxdeck: CommandLine, *options: str) -> None:
    boxdeck.ok("run", "-d", *options, "base", "sleep", "1000")


def test_ps_port_and_inspect_show_where_a_container_is_reached(boxdeck: CommandLine) -> None:
    port = free_port()
    run(boxdeck, "--name", "web", "-p", f"127.0.0.1:{port}:80", "-p", f"127.0.0.1:{port}:53/udp")
    shown = f"127.0.0.1:{port}->80/tcp, 127.0.0.1:{port}->53/udp"
    assert boxdeck("ps", "--format", "json").json[0]["Ports"] == shown
    assert boxdeck.ok("port", "web") == f"80/tcp -> 127.0.0.1:{port}\n53/udp -> 127.0.0.1:{port}"
    assert boxdeck.ok("port", "web", "53/udp") == f"127.0.0.1:{port}"
    document = boxdeck("inspect", "web").json[0]
    binding = [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
    assert document["NetworkSettings"]["Ports"] == {"80/tcp": binding, "53/udp": binding}
    assert document["HostConfig"]["PortBindings"] == {"80/tcp": binding, "53/udp": binding}
    boxdeck.ok("stop", "-t", "0", "web")
    assert boxdeck.ok("port", "web") == ""
    assert boxdeck("ps", "-a", "--format", "json").json[0]["Ports"] == ""


def test_what_is_published_everywhere_is_shown_by_family(boxdeck: CommandLine) -> None:
    port = free_port()
    run(boxdeck, "--name", "web", "-p", f"{port}:80")
    assert boxdeck.ok("port", "web").splitlines()[0] == f"80/tcp -> 0.0.0.0:{port}"


def test_a_free_port_is_chosen_and_kept(boxdeck: CommandLine) -> None:
    run(boxdeck, "--name", "web", "-p", "80", "-P", "--expose", "81/udp")
    before = boxdeck.ok("port", "web")
    assert {line.split(" -> ")[0] for line in before.splitlines()} == {"80/tcp", "81/udp"}
    boxdeck.ok("restart", "-t", "0", "web")
    assert boxdeck.ok("port", "web") == before


def test_ports_are_added_and_withdrawn_while_it_runs(boxdeck: CommandLine) -> None:
    first, second = free_port(), free_port()
    run(boxdeck, "--name", "web", "-p", f"127.0.0.1:{first}:80")
    assert boxdeck.ok("port", "add", "web", f"127.0.0.1:{second}:81") == f"81/tcp -> 127.0.0.1:{second}"
    assert boxdeck.ok("port", "rm", "web", "80") == "web"
    assert boxdeck.ok("port", "web") == f"81/tcp -> 127.0.0.1:{second}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("port", "web", "81"), "port 81/tcp of web is not published: publish it with: boxdeck port add web 81"),
        (("port", "rm", "web", "81"), "web has no published port 81/tcp: see those that it has with: boxdeck port web"),
        (
            ("port", "rm", "web", "9999:80"),
            "web has no published port 9999:80/tcp: see those that it has with: boxdeck port web",
        ),
        (("port", "add", "web"), "port add needs a container and a port: such as: boxdeck port add web 8080:80"),
        (("port", "nobody"), "there is no container 'nobody': see all with: boxdeck ps -a"),
        (("port", "add", "web", "8080:80/xyz"), "'8080:80/xyz' has the protocol 'xyz': choose tcp, udp, sctp"),
        (("port", "add", "web", "203.0.113.9:1:1"), "this machine has no address 203.0.113.9: see those with: ip addr"),
    ],
)
def test_what_cannot_be_is_one_sentence(boxdeck: CommandLine, arguments: tuple[str, ...], sentence: str) -> None:
    run(boxdeck, "--name", "web")
    answer = boxdeck(*arguments)
    assert answer.status == 125 and answer.sentence == f"boxdeck: {sentence}"


def test_a_port_in_use_is_one_sentence_and_leaves_nothing(boxdeck: CommandLine) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        answer = boxdeck("run", "-d", "-p", f"{server.getsockname()[1]}:80", "base", "sleep", "1000")
    assert answer.status == 125 and "of the host is in use by" in answer.sentence
    assert boxdeck.names("-a") == []


def test_rules_of_others_that_drop_are_said_and_left_alone(boxdeck: CommandLine) -> None:
    """In a network namespace of its own, which plays a host with docker's policy."""
    port = free_port()
    script = f"""
        set -e
        ip link set lo up
        nft add table ip filter
        nft add chain ip filter FORWARD '{{ type filter hook forward priority 0; policy drop; }}'
        nft list table ip filter > /dev/null
        for port in -p{port}:80 -p127.0.0.1:{port}:80 --read-only; do
            {" ".join(boxdeck.argv)} run --rm $port base true
        done
        {" ".join(boxdeck.argv)} run --rm --network none base true
        nft list table ip filter
    """
    ended = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True, check=True)
    said = [sentence.partition(":")[0] for sentence in ended.stderr.replace("boxdeck: warning: ", "").splitlines()]
    assert said == [
        f"the chain ip filter FORWARD may drop what {what}"
        for what in ("goes to containers", "containers send", "containers send")
    ]
    assert "policy drop" in ended.stdout

"""``boxdeck network``, and the options of run on networks and names."""

from __future__ import annotations

import json
import random
from argparse import ArgumentTypeError
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from engine.cli.network_filters import network_filter, passing
from engine.model import Network
from tests.command_line import CommandLine

SLEEP = ("base", "sleep", "1000")


@pytest.fixture
def boxdeck(boxdeck: CommandLine) -> Iterator[CommandLine]:
    """The command line; the networks that a test makes go with it."""
    yield boxdeck
    boxdeck.remove_all()
    boxdeck.ok("network", "prune", "--force")


@pytest.fixture
def place() -> str:
    """The first three numbers of a subnet of RFC 2544's, which no machine routes, nor likely another test."""
    return f"198.{random.choice((18, 19))}.{random.randint(0, 255)}"


def inside(boxdeck: CommandLine, name: str, command: str) -> str:
    return boxdeck.ok("exec", name, "sh", "-c", command)


def test_a_network_is_made_listed_explained_and_removed(boxdeck: CommandLine) -> None:
    identity = boxdeck.ok("network", "create", "--label", "team=blue", "web")
    assert len(identity) == 64
    lines = boxdeck("network", "ls").lines
    assert lines[0].split() == ["NETWORK", "ID", "NAME", "DRIVER", "SCOPE", "SUBNETS"]
    assert [line.split()[:4] for line in lines[1:]][1] == [identity[:12], "web", "bridge", "local"]
    (found,) = boxdeck("network", "inspect", "web").json
    assert (found["Name"], found["Id"], found["Driver"], found["Scope"]) == ("web", identity, "bridge", "local")
    assert (found["EnableIPv4"], found["EnableIPv6"], found["Internal"]) == (True, True, False)
    assert found["Labels"] == {"team": "blue"} and found["Containers"] == {}
    four, six = found["IPAM"]["Config"]
    assert ip_network(four["Subnet"]).prefixlen == 24 and ip_network(six["Subnet"]).prefixlen == 64
    assert set(four) == {"Subnet", "Gateway"}
    assert boxdeck("inspect", "--type", "network", "web").json == boxdeck("inspect", "web").json == [found]
    assert boxdeck.ok("network", "rm", "web") == "web"
    assert boxdeck("network", "inspect", "web").sentence == (
        "boxdeck: there is no network 'web': see all with: boxdeck network ls"
    )


def test_a_network_is_as_the_options_say(boxdeck: CommandLine, place: str) -> None:
    six = f"fd77:{random.randint(1, 65535):x}"
    subnets = ("--subnet", f"{place}.0/24", "--subnet", f"{six}::/64")
    more = ("--gateway", f"{place}.254", "--ip-range", f"{place}.128/25", "--mtu", "1300", "--internal")
    boxdeck.ok("network", "create", *subnets, *more, "named")
    (found,) = boxdeck("network", "inspect", "named").json
    assert found["IPAM"]["Config"] == [
        {"Subnet": f"{place}.0/24", "IPRange": f"{place}.128/25", "Gateway": f"{place}.254"},
        {"Subnet": f"{six}::/64", "Gateway": f"{six}::1"},
    ]
    assert found["Internal"] and found["Options"]["com.docker.network.driver.mtu"] == "1300"
    boxdeck.ok("network", "create", "--ipv6=false", "four")
    assert boxdeck.ok("network", "inspect", "-f", "{{.EnableIPv4}} {{.EnableIPv6}}", "four") == "true false"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((), "bridge green red used"),
        (("type=custom",), "green red used"),
        (("type=builtin",), "bridge"),
        (("label=colour",), "red"),
        (("label=colour=red", "label=big"), "red"),
        (("label=colour=blue",), ""),
        (("name=re",), "green red"),
        (("name=re", "name=us"), "green red used"),
        (("name=re", "label=colour"), "red"),
        (("id=6772",), "green"),
        (("driver=bridge", "scope=local"), "bridge green red used"),
        (("driver=overlay",), ""),
        (("dangling=true",), "green red"),
        (("dangling=false",), "bridge used"),
    ],
)
def test_lists_are_filtered_as_docker_does(filters: tuple[str, ...], expected: str) -> None:
    labels = {"red": {"colour": "red", "big": ""}}
    networks = [
        Network(id=name.encode().hex().ljust(64, "0"), name=name, bridge=name, subnets=(), labels=labels.get(name, {}))
        for name in ("bridge", "green", "red", "used")
    ]
    found = passing(networks, [network_filter(text) for text in filters], {"used"})
    assert [network.name for network in found] == expected.split()


@pytest.mark.parametrize("text", ["colour=red", "name=", "type=odd", "dangling=perhaps", "name"])
def test_filters_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not"):
        network_filter(text)


def test_lists_are_formatted_as_docker_does(boxdeck: CommandLine) -> None:
    boxdeck.ok("network", "create", "green")
    boxdeck.ok("network", "create", "used")
    boxdeck.ok("create", "--network", "used", *SLEEP)
    assert boxdeck.ok("network", "ls", "--filter", "dangling=true", "--format", "{{.Name}}") == "green"
    ids = boxdeck.ok("network", "ls", "-q").split()
    assert len(ids) == 3 and all(len(each) == 12 for each in ids)
    rows = boxdeck("network", "ls", "--format", "json").json
    assert [row["Name"] for row in rows] == ["bridge", "green", "used"] and rows[0]["IPv4"] == "true"
    assert boxdeck.ok("network", "prune", "--force").splitlines() == ["Deleted Networks:", "green"]


def test_a_container_is_on_several_networks_in_their_order(boxdeck: CommandLine, place: str) -> None:
    boxdeck.ok("network", "create", "--subnet", f"{place}.0/24", "front")
    boxdeck.ok("network", "create", "--internal", "back")
    boxdeck.ok(
        "run", "-d", "--name", "web", "--network", f"name=front,ip={place}.9,alias=www,alias=site",
        "--network", "back", "--mac-address", "02:42:aa:00:00:07", *SLEEP,
    )  # fmt: skip
    settings = boxdeck("inspect", "web").json[0]["NetworkSettings"]
    front, back = settings["Networks"]["front"], settings["Networks"]["back"]
    assert list(settings["Networks"]) == ["front", "back"]
    assert (front["IPAddress"], front["IPPrefixLen"], front["Interface"]) == (f"{place}.9", 24, "eth0")
    assert (front["MacAddress"], front["Aliases"], back["Interface"]) == ("02:42:aa:00:00:07", ["www", "site"], "eth1")
    assert settings["IPAddress"] == f"{place}.9" and settings["GlobalIPv6Address"] == front["GlobalIPv6Address"]
    shown = inside(boxdeck, "web", "ip -br addr; ip route show default")
    for address in (front["IPAddress"], front["GlobalIPv6Address"], back["IPAddress"], back["GlobalIPv6Address"]):
        assert f" {address}/" in shown
    assert f"default via {front['Gateway']} dev eth0" in shown
    (document,) = boxdeck("network", "inspect", "back").json
    (member,) = document["Containers"].values()
    assert (member["Name"], member["IPv4Address"]) == ("web", f"{back['IPAddress']}/24")
    assert boxdeck("ps", "--format", "{{.Networks}}").out == "front,back\n"
    assert boxdeck.ok("ps", "-q", "--filter", "network=back") == boxdeck.ok("ps", "-q")


def test_a_running_container_is_connected_and_disconnected(boxdeck: CommandLine, place: str) -> None:
    boxdeck.ok("network", "create", "--subnet", f"{place}.0/24", "late")
    boxdeck.ok("run", "-d", "--name", "web", *SLEEP)
    boxdeck.ok("network", "connect", "--ip", f"{place}.33", "--alias", "db", "late", "web")
    assert f"{place}.33/24" in inside(boxdeck, "web", "ip -br addr show eth1")
    assert boxdeck("network", "rm", "late").sentence == (
        "boxdeck: the network late is used by web: disconnect it first with: boxdeck network disconnect late web"
    )
    boxdeck.ok("network", "disconnect", "bridge", "web")
    assert inside(boxdeck, "web", "ls /sys/class/net").split() == ["eth1", "lo"]
    assert boxdeck("network", "disconnect", "bridge", "web").status == 125
    boxdeck.ok("restart", "-t", "0", "web")
    assert inside(boxdeck, "web", "ls /sys/class/net").split() == ["eth1", "lo"]


def test_names_and_name_servers_are_as_asked(boxdeck: CommandLine) -> None:
    options = (
        "--hostname", "box", "--add-host", "db:192.0.2.7", "--add-host", "me:host-gateway",
        "--dns", "192.0.2.53", "--dns-search", "example.org", "--dns-option", "ndots:2",
    )  # fmt: skip
    shown = boxdeck.ok("run", "--rm", *options, "base", "sh", "-c", "cat /etc/hosts /etc/resolv.conf; ip route")
    lines = shown.splitlines()
    assert "192.0.2.7\tdb" in lines and any(line.endswith("\tbox") for line in lines)
    gateway = next(line for line in lines if line.startswith("default via ")).split()[2]
    assert f"{gateway}\tme" in lines
    assert {"nameserver 192.0.2.53", "search example.org", "options ndots:2"} <= set(lines)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--network", "blue"), "there is no network 'blue': see all with: boxdeck network ls"),
        (("--network", "none", "--ip", "10.1.2.3"), "a container with --network none can't be given addresses"),
        (("--network", "host", "--network", "bridge"), "a container with --network host can't be on another network"),
        (("--network", "bridge", "--network", "bridge"), "a network is named twice: name each once"),
        (("--network", "container:"), "--network 'container:' is not possible"),
        (("--network", "name=bridge,colour=red"), "has an unknown word 'colour'"),
        (("--network", "ip=10.1.2.3"), "--network 'ip=10.1.2.3' names no network"),
        (("--ip", "192.0.2.1"), "192.0.2.1 is no address of bridge"),
        (("--dns", "router"), "--dns 'router' is not an address"),
        (("--add-host", "db"), "--add-host 'db' is not NAME:ADDRESS"),
        (("--mac-address", "01:00:5e:00:00:01"), "can't be a device's hardware address"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_no_container(
    boxdeck: CommandLine, words: tuple[str, ...], sentence: str
) -> None:
    answer = boxdeck("create", *words, "base", "true")
    assert answer.status == 125 and sentence in answer.sentence
    assert boxdeck.ok("ps", "-aq") == ""


def test_events_tell_of_networks(boxdeck: CommandLine) -> None:
    boxdeck.ok("network", "create", "one")
    boxdeck.ok("create", "--name", "web", *SLEEP)
    boxdeck.ok("network", "connect", "one", "web")
    boxdeck.ok("network", "disconnect", "one", "web")
    boxdeck.ok("network", "rm", "one")
    lines = boxdeck.ok("events", "--since", "1m", "--until", "0s", "--filter", "type=network", "--format", "json")
    told = [(event["Action"], event["Actor"]["Attributes"]["name"]) for event in map(json.loads, lines.splitlines())]
    assert told[-4:] == [("create", "one"), ("connect", "one"), ("disconnect", "one"), ("destroy", "one")]


def test_help_tells_every_verb_and_option(boxdeck: CommandLine) -> None:
    told = boxdeck.ok("network", "--help")
    assert all(f"\n  {verb} " in told for verb in ("create", "ls", "inspect", "rm", "connect", "disconnect", "prune"))
    told = boxdeck.ok("network", "create", "--help")
    assert all(option in told for option in ("--subnet", "--gateway", "--ip-range", "--ipv6", "--internal", "--mtu"))

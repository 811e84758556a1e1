"""One table, made when it is missing; networks and published ports are elements that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest

from engine.network import nft, ruleset
from engine.network.firewall import Contents, Firewall
from engine.network.ruleset import GuardedNetwork, PortMapping
from tests.engine.network.boxes import shell

TABLE = "boxdeck_test"
ONE = GuardedNetwork(bridge="br-one", subnets=(IPv4Network("10.89.0.0/24"), IPv6Network("fd00:1::/64")))
TWO = GuardedNetwork(
    bridge="br-two", subnets=(IPv4Network("10.89.1.0/24"), IPv6Network("fd00:1:0:1::/64")), is_internal=True
)


def port(number: int, container_port: int = 80, protocol: str = "tcp", host: str = "0.0.0.0") -> PortMapping:
    """A published port that leads to 10.89.0.2, or to fd00:1::2 for an IPv6 address of the host's."""
    address = IPv6Address(host) if ":" in host else IPv4Address(host)
    target = IPv6Address("fd00:1::2") if ":" in host else IPv4Address("10.89.0.2")
    return PortMapping(
        host_address=address,
        host_port=number,
        protocol=protocol,
        container_address=target,
        container_port=container_port,
    )


@pytest.fixture
def contents() -> list[Contents]:
    """What belongs into the table when it is made anew; the last one counts."""
    return [Contents()]


@pytest.fixture
def firewall(machine: None, contents: list[Contents]) -> Iterator[Firewall]:
    made = Firewall(TABLE, lambda: contents[-1])
    yield made
    made.close()


def listed(name: str) -> str:
    """The elements of a set or map."""
    listing = shell(f"nft list set inet {TABLE} {name} 2>/dev/null || nft list map inet {TABLE} {name}")
    return " ".join(listing.partition("elements = {")[2].partition("}")[0].split())


def words(command: str) -> list[str]:
    """What a command prints, whatever the order that the kernel lists elements in."""
    return sorted(shell(command).replace(",", " ").split())


def test_a_network_is_elements(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    rules = shell(f"nft list chain inet {TABLE} forward")
    firewall.ensure(TWO)
    assert sorted(listed("within").split(", ")) == ['"br-one" . "br-one"', '"br-two" . "br-two"']
    assert listed("subnets4") == "10.89.0.0/24, 10.89.1.0/24"
    assert sorted(listed("homes6").split(", ")) == ['"br-one" . fd00:1::/64', '"br-two" . fd00:1:0:1::/64']
    assert listed("internal") == '"br-two"'
    assert shell(f"nft list chain inet {TABLE} forward") == rules


def test_asking_again_changes_nothing(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    before = shell("nft -a list ruleset")
    firewall.ensure(ONE)
    assert shell("nft -a list ruleset") == before


def test_a_forgotten_network_leaves_the_others_alone(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    before = words("nft list ruleset")
    firewall.ensure(TWO)
    for _ in range(2):
        firewall.forget(TWO)
    assert words("nft list ruleset") == before


def test_a_flushed_ruleset_comes_back_with_all_that_belongs_into_it(
    firewall: Firewall, contents: list[Contents]
) -> None:
    contents.append(Contents(networks=(ONE, TWO), ports=(port(8080),)))
    firewall.ensure(ONE)
    before = words("nft list ruleset")
    shell("nft flush ruleset")
    firewall.ensure(TWO)
    assert words("nft list ruleset") == before


def test_a_network_on_another_subnet_takes_the_old_ones_place(firewall: Firewall, contents: list[Contents]) -> None:
    contents.append(Contents(networks=(ONE, TWO)))
    firewall.ensure(ONE)
    firewall.ensure(GuardedNetwork(bridge="br-one", subnets=(IPv4Network("10.89.7.0/24"),)))
    assert listed("subnets4") == "10.89.1.0/24, 10.89.7.0/24"
    assert listed("subnets6") == "fd00:1:0:1::/64"


def test_what_should_have_been_forgotten_is_no_obstacle(firewall: Firewall, contents: list[Contents]) -> None:
    firewall.ensure(ONE)
    wider = GuardedNetwork(bridge="br-three", subnets=(IPv4Network("10.89.0.0/16"),))
    contents.append(Contents(networks=(wider,)))
    firewall.ensure(wider)
    assert listed("subnets4") == "10.89.0.0/16"


def test_another_editions_table_is_made_anew(firewall: Firewall, contents: list[Contents]) -> None:
    shell(f"nft add table inet {TABLE} '{{ comment \"boxdeck, of old\" ; }}'")
    shell(f"nft add chain inet {TABLE} leftover")
    contents.append(Contents(networks=(ONE,)))
    firewall.ensure(ONE)
    assert "leftover" not in shell("nft list ruleset")
    assert listed("bridges").startswith('"br-one"')


def test_published_ports_are_elements(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    firewall.publish([port(8080), port(53, 53, "udp", "127.0.0.1"), port(9, 9, "sctp", "::"), port(8, 8, host="::1")])
    assert listed("everywhere4") == "tcp . 8080 : 10.89.0.2 . 80"
    assert listed("ports4") == "127.0.0.1 . udp . 53 : 10.89.0.2 . 53"
    assert listed("everywhere6") == "sctp . 9 : fd00:1::2 . 9"
    assert listed("ports6") == "::1 . tcp . 8 : fd00:1::2 . 8"


def test_what_leads_elsewhere_is_nobodys_any_more(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    firewall.publish([port(8080)])
    firewall.publish([port(8079), port(8080, 81)])
    assert sorted(listed("everywhere4").split(", ")) == ["tcp . 8079 : 10.89.0.2 . 80", "tcp . 8080 : 10.89.0.2 . 81"]


def test_withdrawing_passes_over_what_is_missing_or_somebody_elses(firewall: Firewall) -> None:
    firewall.withdraw([port(8080)])
    firewall.ensure(ONE)
    firewall.publish([port(8080), port(8081)])
    firewall.withdraw([port(8079), port(8080, 81), port(8081)])
    assert listed("everywhere4") == "tcp . 8080 : 10.89.0.2 . 80"


def test_a_thousand_ports_come_and_go_in_one_transaction_each(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    many = [port(number) for number in range(20000, 22000)]
    firewall.publish(many)
    assert listed("everywhere4").count("10.89.0.2") == 2000
    firewall.withdraw(many)
    assert listed("everywhere4") == ""


def test_removing_what_is_not_there_is_no_error(firewall: Firewall) -> None:
    firewall.ensure(ONE)
    for _ in range(2):
        firewall.remove()
    assert shell("nft list ruleset") == ""


def test_the_edition_is_told_by_the_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ruleset.stamp()
    ruleset.stamp.cache_clear()
    monkeypatch.setattr(nft, "masquerade", lambda: b"")
    try:
        assert ruleset.stamp() != before
    finally:
        ruleset.stamp.cache_clear()


def test_a_network_that_is_made_while_the_table_is_made_anew_is_in_it(machine: None) -> None:
    answers = [Contents(networks=(ONE,)), Contents(networks=(ONE, TWO))]
    firewall = Firewall(TABLE, lambda: answers.pop(0) if len(answers) > 1 else answers[0])
    firewall.make_anew()
    assert listed("subnets4") == "10.89.0.0/24, 10.89.1.0/24"
    firewall.close()

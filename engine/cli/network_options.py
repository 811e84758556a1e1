"""The options of ``run`` and ``create`` on networks and names; names and meanings are docker's."""

from __future__ import annotations

from msgspec.structs import replace

from engine.cli.command import Options, Parser
from engine.compile.namespaces import is_network
from engine.errors import InvalidRequest
from engine.model import Attachment

DEFAULT = "bridge"
_DOCKERS_WORD = "default"  # for the default network
_KEYS = {"ip": "ip", "ip6": "ip6", "mac-address": "mac"}


class NetworkOptions(Options):
    """Options on networks and names."""

    network: list[str]
    ip: str
    ip6: str
    mac_address: str
    network_alias: list[str]
    add_host: list[str]
    dns: list[str]
    dns_search: list[str]
    dns_option: list[str]


def network_arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument_group("networks and names").add_argument
    add(
        "--network", "--net", metavar="NAME", action="append", default=[],
        help="a network of its own, none, host, or container:NAME; may be repeated, and say more: "
        "name=NET,ip=…,ip6=…,mac-address=…,alias=… [bridge]",
    )  # fmt: skip
    add("--ip", metavar="ADDRESS", default="", help="its IPv4 address on its first network [a free one]")
    add("--ip6", metavar="ADDRESS", default="", help="its IPv6 address there [a free one]")
    add("--mac-address", metavar="ADDRESS", default="", help="its hardware address there [one made of the address]")
    add("--network-alias", "--net-alias", metavar="NAME", action="append", default=[],
        help="a further name that others on its first network find it by")  # fmt: skip
    add("--add-host", metavar="NAME:ADDRESS", action="append", default=[],
        help="a line of /etc/hosts; the address host-gateway is this machine's")  # fmt: skip
    add("--dns", metavar="ADDRESS", action="append", default=[], help="a name server instead of this machine's")
    add("--dns-search", metavar="DOMAIN", action="append", default=[], help="where short names are looked for, too")
    add("--dns-option", "--dns-opt", metavar="OPTION", action="append", default=[], help="of resolv.conf(5)")


def attachments(options: NetworkOptions) -> tuple[str, tuple[Attachment, ...]]:
    """The mode, which is the first network's name where there is one, and how the container is to be on its networks.

    Raises:
        InvalidRequest: words that can't be understood.
    """
    wishes = [_parsed(text) for text in options.network] or [Attachment(network=DEFAULT)]
    first = wishes[0]
    wishes[0] = replace(
        first,
        ip=options.ip or first.ip,
        ip6=options.ip6 or first.ip6,
        mac=options.mac_address or first.mac,
        aliases=(*first.aliases, *options.network_alias),
    )
    is_plain = len(wishes) == 1 and wishes[0] == Attachment(network=first.network)
    return first.network, () if is_plain and not is_network(first.network) else tuple(wishes)


def _parsed(text: str) -> Attachment:
    """A network, or ``name=NET,key=value,…``."""
    if "=" not in text:
        return Attachment(network=DEFAULT if text == _DOCKERS_WORD else text)
    name, aliases, found = "", [], {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key == "name":
            name = value
        elif key == "alias":
            aliases.append(value)
        elif key in _KEYS:
            found[_KEYS[key]] = value
        else:
            raise InvalidRequest(
                f"--network {text!r} has an unknown word {key!r}", f"use name, alias, {', '.join(_KEYS)}"
            )
    if not name:
        raise InvalidRequest(f"--network {text!r} names no network", "write it such as name=web,ip=10.10.0.7")
    return Attachment(network=DEFAULT if name == _DOCKERS_WORD else name, aliases=tuple(aliases), **found)

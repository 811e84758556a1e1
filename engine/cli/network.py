"""``boxdeck network create|ls|inspect|rm|connect|disconnect|prune``; `topology` has a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli import values
from engine.cli.command import Command, NounVerb, Options, Parser, with_engine
from engine.cli.failure import fail
from engine.cli.network_documents import DRIVER, NetworkDocument, network_of, network_row
from engine.cli.network_filters import NetworkFilter, network_filter, passing
from engine.cli.noun import noun
from engine.cli.output import Column, ListOptions, list_arguments, show_list, write_json, write_lines
from engine.cli.pruning import PruneOptions, agreed, prune_arguments
from engine.cli.templates import Format, format_of
from engine.errors import BoxdeckError
from engine.model import Attachment, NetworkRequest

if TYPE_CHECKING:
    from engine.engine import Engine

_COLUMNS = (
    Column("NETWORK ID", "id"),
    Column("NAME", "name"),
    Column("DRIVER", "driver"),
    Column("SCOPE", "scope"),
    Column("SUBNETS", "subnets"),
)
_CREATE = """Containers on a network reach each other, and those on others don't. Subnets that aren't named are chosen
so that they collide with nothing that this machine has an address in or a route to; IPv6 ones are of a prefix of our
own (RFC 4193)."""
_SWITCHES = ("--ipv4", "--ipv6", "--internal")


class CreateNetworkOptions(Options):
    """Options of ``network create``."""

    name: str
    driver: str
    subnet: list[str]
    gateway: list[str]
    ip_range: list[str]
    ipv4: bool
    ipv6: bool | None
    internal: bool
    mtu: int | None
    label: list[tuple[str, str]]


class NetworkListOptions(ListOptions):
    """Options of ``network ls``."""

    filters: list[NetworkFilter]


class InspectNetworkOptions(Options):
    """Options of ``network inspect``."""

    networks: list[str]
    format: Format


class NamedNetworksOptions(Options):
    """Options of ``network rm``."""

    networks: list[str]
    force: bool


class ConnectOptions(Options):
    """Options of ``network connect`` and ``disconnect``."""

    network: str
    container: str
    ip: str
    ip6: str
    mac_address: str
    alias: list[str]


def _create_arguments(parser: Parser) -> None:
    parser.description = _CREATE
    add = parser.add_argument
    add("-d", "--driver", choices=(DRIVER,), default=DRIVER, help="there is one [bridge]")
    add("--subnet", metavar="SUBNET", action="append", default=[], help="such as 10.10.0.0/24; one of each family")
    add("--gateway", metavar="ADDRESS", action="append", default=[], help="the bridge's own address [the first one]")
    add("--ip-range", metavar="SUBNET", action="append", default=[], help="where addresses are chosen from [all of it]")
    add("--ipv4", action="store_true", default=True, help="with IPv4; --ipv4=false for without [true]")
    add("--ipv6", action="store_true", default=None, help="with IPv6 [true where this machine has it]")
    add("--internal", action="store_true", help="no way in or out but to this machine")
    add("--mtu", metavar="BYTES", type=int, help="the largest packet [what the way out takes]")
    add("--label", metavar="KEY=VALUE", type=values.label, action="append", default=[], help="a label")
    for switch in _SWITCHES:
        add(f"--no{switch[1:]}", dest=switch[2:], action="store_false", help=f"the same as {switch}=false")
    add("name", metavar="NAME", help="what to call it")


async def _create(engine: Engine, options: CreateNetworkOptions) -> int:
    request = NetworkRequest(
        name=options.name,
        subnets=tuple(options.subnet),
        gateways=tuple(options.gateway),
        ip_ranges=tuple(options.ip_range),
        ipv4=options.ipv4,
        ipv6=options.ipv6,
        internal=options.internal,
        mtu=options.mtu,
        labels=dict(options.label),
    )
    write_lines([(await engine.networks.create(request)).id])
    return 0


def _list_arguments(parser: Parser) -> None:
    parser.add_argument(
        "-f", "--filter", metavar="KEY=VALUE", dest="filters", type=network_filter, action="append", default=[],
        help="only those with this id, name, label, driver, scope, type (custom or builtin) or dangling (true or "
        "false); may be repeated",
    )  # fmt: skip
    list_arguments(parser)


async def _list(engine: Engine, options: NetworkListOptions) -> int:
    used = {end.network for each in await engine.containers.list(all_states=True) for end in each.endpoints}
    networks = passing(await engine.networks.list(), options.filters, used)
    show_list([network_row(network, options.no_trunc) for network in networks], _COLUMNS, "id", options)
    return 0


def _inspect_arguments(parser: Parser) -> None:
    parser.add_argument(
        "-f", "--format", metavar="json|TEMPLATE", type=format_of("json"), default=Format("json"),
        help="one JSON document, or a line for each with {{.Field.Inner}} or {{json .Field}} as in docker",
    )  # fmt: skip
    parser.add_argument("networks", metavar="NETWORK", nargs="+", help="names, ids, or beginnings of ids")


async def _inspect(engine: Engine, options: InspectNetworkOptions) -> int:
    found: list[NetworkDocument] = []
    status, sentences = 0, []
    for reference in options.networks:
        try:
            found.append(await network_of(engine, reference))
        except BoxdeckError as error:
            sentences.append(str(error))
            status = error.exit_status
    if options.format.name == "json":
        write_json(found)
    else:
        write_lines([options.format.line(document) for document in found])
    for sentence in sentences:
        fail(sentence)
    return status


def _remove_arguments(parser: Parser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="say nothing of those that there aren't")
    parser.add_argument("networks", metavar="NETWORK", nargs="+", help="names, ids, or beginnings of ids")


async def _remove(engine: Engine, options: NamedNetworksOptions) -> int:
    from engine.errors import NotFound

    status = 0
    for reference in options.networks:
        try:
            write_lines([(await engine.networks.remove(reference)).name])
        except BoxdeckError as error:
            if not (options.force and isinstance(error, NotFound)):
                status = fail(str(error), error.exit_status)
    return status


def _both_arguments(parser: Parser) -> None:
    parser.add_argument("network", metavar="NETWORK", help="a name, id, or beginning of an id")
    parser.add_argument("container", metavar="CONTAINER", help="a name, id, or beginning of an id; running or not")


def _connect_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--ip", metavar="ADDRESS", default="", help="its IPv4 address there [a free one]")
    add("--ip6", metavar="ADDRESS", default="", help="its IPv6 address there [a free one]")
    add("--mac-address", metavar="ADDRESS", default="", help="its hardware address there")
    add("--alias", metavar="NAME", action="append", default=[], help="a further name that others there find it by")
    _both_arguments(parser)


async def _connect(engine: Engine, options: ConnectOptions) -> int:
    wish = Attachment(
        network=options.network,
        ip=options.ip,
        ip6=options.ip6,
        mac=options.mac_address,
        aliases=tuple(options.alias),
    )
    await engine.networks.connect(options.network, options.container, wish)
    return 0


def _disconnect_arguments(parser: Parser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="as docker has it; it changes nothing")
    _both_arguments(parser)


async def _disconnect(engine: Engine, options: ConnectOptions) -> int:
    await engine.networks.disconnect(options.network, options.container)
    return 0


async def _prune(engine: Engine, options: PruneOptions) -> int:
    if options.force or agreed("every network that no container is on"):
        removed = await engine.networks.prune(options.filter)
        write_lines(["Deleted Networks:", *(network.name for network in removed)] if removed else [])
    return 0


CREATE = Command(CreateNetworkOptions, _create_arguments, with_engine(_create))
LS = Command(NetworkListOptions, _list_arguments, with_engine(_list))
INSPECT = Command(InspectNetworkOptions, _inspect_arguments, with_engine(_inspect))
RM = Command(NamedNetworksOptions, _remove_arguments, with_engine(_remove))
CONNECT = Command(ConnectOptions, _connect_arguments, with_engine(_connect))
DISCONNECT = Command(ConnectOptions, _disconnect_arguments, with_engine(_disconnect))
PRUNE = Command(PruneOptions, prune_arguments, with_engine(_prune))

_VERBS = {
    "create": NounVerb("network", "CREATE", "make a network"),
    "ls": NounVerb("network", "LS", "list networks"),
    "inspect": NounVerb("network", "INSPECT", "show everything about networks as JSON"),
    "rm": NounVerb("network", "RM", "remove networks that no container is on"),
    "connect": NounVerb("network", "CONNECT", "put a container on a network, at once if it runs"),
    "disconnect": NounVerb("network", "DISCONNECT", "take a container from a network, at once if it runs"),
    "prune": NounVerb("network", "PRUNE", "remove all networks that no container is on"),
    "topology": NounVerb("topology", "TOPOLOGY", "draw how the whole machine is wired"),
}

NETWORK = noun("network", _VERBS)

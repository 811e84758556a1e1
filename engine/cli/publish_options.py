"""The options of ``boxdeck run`` and ``boxdeck create`` that are about ports; names and meanings are docker's."""

from __future__ import annotations

from engine.cli.command import Options, Parser
from engine.model import PublishedPort
from engine.network import port_notation


class PublishOptions(Options):
    """Options that publish ports."""

    publish: list[str]
    publish_all: bool
    expose: list[str]


def publish_arguments(parser: Parser) -> None:
    """Add them."""
    add = parser.add_argument_group("ports").add_argument
    add(
        "-p", "--publish", metavar="[[ADDRESS:]HOST_PORT:]PORT[/PROTOCOL]", action="append", default=[],
        help="have a port of the host's lead to one of its own, of tcp, udp or sctp: 8080:80, 127.0.0.1:8080:80, "
        "[::1]:8080:80/udp, 8000-8010:80-90; with 80 alone a free one is chosen and kept",
    )  # fmt: skip
    add("-P", "--publish-all", action="store_true", help="have free ports lead to all that it or its image exposes")
    add("--expose", metavar="PORT[/PROTOCOL]", action="append", default=[], help="a port that it serves, for -P")


def ports(options: PublishOptions) -> tuple[PublishedPort, ...]:
    """What ``--publish`` stands for.

    Raises:
        InvalidRequest: words that can't be understood.
    """
    return tuple(port for text in options.publish for port in port_notation.published(text))

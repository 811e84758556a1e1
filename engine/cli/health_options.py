"""The options of ``run`` and ``create`` on health checks; names and meanings are docker's, ``--on-unhealthy`` ours."""

from __future__ import annotations

from engine.cli import values
from engine.cli.command import Options, Parser
from engine.health import REACTIONS, HealthOptions, Reaction


class HealthCheckOptions(Options):
    """Options on health checks."""

    health_cmd: str | None
    health_interval: float | None
    health_timeout: float | None
    health_start_period: float | None
    health_start_interval: float | None
    health_retries: int | None
    no_healthcheck: bool
    on_unhealthy: Reaction


def health_arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument_group("health").add_argument
    add("--health-cmd", metavar="COMMAND", help="what tells by its exit status whether it is well [the image's]")
    for name, what in {
        "interval": "from one check to the next [30s]",
        "timeout": "after which a check has failed [30s]",
        "start-period": "after the start in which failures don't count [0s]",
        "start-interval": "from one check to the next meanwhile [5s]",
    }.items():
        add(f"--health-{name}", metavar="TIME", type=values.go_duration, help=what)
    add("--health-retries", metavar="NUMBER", type=int, help="how many failures in a row make it unhealthy [3]")
    add("--no-healthcheck", action="store_true", help="no check, whatever its image has")
    add("--on-unhealthy", choices=REACTIONS, default="none", help="what becomes of it then [none]")


def health_of(options: HealthCheckOptions) -> HealthOptions:
    """What the options say."""
    return HealthOptions(
        command=options.health_cmd,
        interval_seconds=options.health_interval,
        timeout_seconds=options.health_timeout,
        start_period_seconds=options.health_start_period,
        start_interval_seconds=options.health_start_interval,
        retries=options.health_retries,
        disabled=options.no_healthcheck,
        on_unhealthy=options.on_unhealthy,
    )

"""Health checks: how a container is asked whether it is well, what it says, what follows; the words are docker's."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.errors import InvalidRequest

HealthState = Literal["starting", "healthy", "unhealthy"]
Reaction = Literal["none", "restart", "stop", "kill"]
REACTIONS: tuple[Reaction, ...] = ("none", "restart", "stop", "kill")
RESULTS_KEPT = 5
OUTPUT_KEPT_BYTES = 4096
_SHORTEST_SECONDS = 0.001  # docker's


class HealthCheck(Struct, frozen=True, kw_only=True):
    """A command that is run in a container again and again (docker's Dockerfile reference, HEALTHCHECK).

    Attributes:
        argv: exit status 0 is well, any other not; nothing for no check.
        interval_seconds: from the end of one check to the next.
        timeout_seconds: after which a check has failed.
        start_period_seconds: after the start, in which failures don't count, until a check succeeds.
        start_interval_seconds: instead of `interval_seconds` meanwhile.
        retries: how many failures in a row make it unhealthy.
    """

    argv: tuple[str, ...] = ()
    interval_seconds: float = 30.0
    timeout_seconds: float = 30.0
    start_period_seconds: float = 0.0
    start_interval_seconds: float = 5.0
    retries: int = 3


class HealthOptions(Struct, frozen=True, kw_only=True):
    """What a person wants otherwise than the image has it; None leaves it.

    Attributes:
        command: for the shell.
        disabled: no check, whatever the image has.
        on_unhealthy: what becomes of the container: nothing, a restart, an end that lasts, or SIGKILL, after which its
            restart policy counts.
    """

    command: str | None = None
    interval_seconds: float | None = None
    timeout_seconds: float | None = None
    start_period_seconds: float | None = None
    start_interval_seconds: float | None = None
    retries: int | None = None
    disabled: bool = False
    on_unhealthy: Reaction = "none"


class HealthResult(Struct, frozen=True, kw_only=True):
    """What one check came to.

    Attributes:
        exit_status: -1 when it took too long.
        output: its beginning.
    """

    started_unix_ns: int
    ended_unix_ns: int
    exit_status: int
    output: str


class Health(Struct, frozen=True, kw_only=True):
    """How a container is.

    Attributes:
        failures: in a row, up to now.
        results: of the latest checks, oldest first.
    """

    state: HealthState = "starting"
    failures: int = 0
    results: tuple[HealthResult, ...] = ()


def after(health: Health, result: HealthResult, check: HealthCheck, counts: bool) -> Health:
    """How a container is after a check.

    Args:
        counts: whether a failure counts, which it doesn't within the start period.
    """
    results = (*health.results, result)[-RESULTS_KEPT:]
    if result.exit_status == 0:
        return Health(state="healthy", results=results)
    if not counts:
        return Health(state=health.state, failures=health.failures, results=results)
    failures = health.failures + 1
    return Health(state="unhealthy" if failures >= check.retries else health.state, failures=failures, results=results)


def check_of(options: HealthOptions, image: HealthCheck | None) -> HealthCheck | None:
    """The check that a container gets; None for none.

    Raises:
        InvalidRequest: a time or number that can't be, or wishes for a check that there isn't.
    """
    if options.disabled:
        if options.command is not None:
            raise InvalidRequest("--no-healthcheck and --health-cmd contradict each other", "leave one of them out")
        return None
    image = image or HealthCheck()
    argv = image.argv if options.command is None else _shell(options.command)
    check = HealthCheck(
        argv=argv,
        interval_seconds=_chosen(options.interval_seconds, image.interval_seconds),
        timeout_seconds=_chosen(options.timeout_seconds, image.timeout_seconds),
        start_period_seconds=_chosen(options.start_period_seconds, image.start_period_seconds),
        start_interval_seconds=_chosen(options.start_interval_seconds, image.start_interval_seconds),
        retries=image.retries if options.retries is None else options.retries,
    )
    if not argv:
        if options.on_unhealthy != "none":
            raise InvalidRequest("there is no health check to act on", "give one with --health-cmd")
        return None
    _require_possible(check)
    return check


def argv_of(test: tuple[str, ...]) -> tuple[str, ...]:
    """What an image's ``Test`` means: ``CMD`` and words, ``CMD-SHELL`` and a line, or ``NONE``."""
    if test[:1] == ("CMD",):
        return test[1:]
    if test[:1] == ("CMD-SHELL",) and len(test) > 1:
        return _shell(test[1])
    return ()


def _shell(line: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", line) if line else ()


def _chosen(wanted: float | None, otherwise: float) -> float:
    return otherwise if wanted is None else wanted


def _require_possible(check: HealthCheck) -> None:
    times = {
        "--health-interval": check.interval_seconds,
        "--health-timeout": check.timeout_seconds,
        "--health-start-interval": check.start_interval_seconds,
    }
    for name, seconds in times.items():
        if seconds < _SHORTEST_SECONDS:
            raise InvalidRequest(f"{name} can't be {seconds:g} seconds", "let it be at least 1ms")
    if check.start_period_seconds < 0:
        raise InvalidRequest("--health-start-period can't be negative", "give a time such as 10s")
    if check.retries < 1:
        raise InvalidRequest(f"--health-retries can't be {check.retries}", "let it be at least 1")

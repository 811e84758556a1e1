"""What ``inspect`` shows of health checks."""

from __future__ import annotations

from engine.cli.formats import rfc3339
from engine.cli.inspect_documents import HealthCheckDocument, HealthDocument, HealthResultDocument
from engine.health import Health, HealthCheck, HealthResult


def health_document(health: Health | None) -> HealthDocument | None:
    """How a container is."""
    if health is None:
        return None
    return HealthDocument(
        status=health.state, failing_streak=health.failures, log=tuple(_result(each) for each in health.results)
    )


def _result(result: HealthResult) -> HealthResultDocument:
    return HealthResultDocument(
        start=rfc3339(result.started_unix_ns),
        end=rfc3339(result.ended_unix_ns),
        exit_code=result.exit_status,
        output=result.output,
    )


def check_document(check: HealthCheck | None) -> HealthCheckDocument | None:
    """What it is asked."""
    if check is None:
        return None
    return HealthCheckDocument(
        test=("CMD", *check.argv),
        interval=round(check.interval_seconds * 1e9),
        timeout=round(check.timeout_seconds * 1e9),
        start_period=round(check.start_period_seconds * 1e9),
        start_interval=round(check.start_interval_seconds * 1e9),
        retries=check.retries,
    )

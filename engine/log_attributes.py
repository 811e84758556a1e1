"""What stands beside each line of a log: labels and variables of the container that its log options name."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model import Container


def log_attributes(container: Container, environment: Iterable[str]) -> dict[str, str]:
    """Names and values, in order; those that it hasn't got are left out.

    Args:
        environment: of its process, as ``NAME=value``.
    """
    log, variables = container.request.log, dict(each.partition("=")[::2] for each in environment)
    found = {name: container.request.labels.get(name) for name in log.labels}
    found |= {name: variables.get(name) for name in log.env}
    return {name: value for name, value in sorted(found.items()) if value is not None}

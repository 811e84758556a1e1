"""Points in time for ``--since`` and ``--until``."""

from __future__ import annotations

from argparse import ArgumentTypeError

from engine.errors import InvalidRequest
from engine.moments import unix_ns

MOMENTS = "2024-01-31T10:00:00, seconds since 1970, or 10m for ten minutes ago"
"""What `moment` understands, for helps."""


def moment(text: str) -> int:
    """A time as nanoseconds since the epoch, see `unix_ns`.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        return unix_ns(text)
    except InvalidRequest as error:
        raise ArgumentTypeError(f"{error.cause} such as 2024-01-31T10:00:00, 1706695200 or 10m") from error

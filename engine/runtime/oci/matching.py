"""Several containers by one pattern, as crun's ``--regex`` has it."""

from __future__ import annotations

from engine.errors import InvalidRequest
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.status import reports
from engine.runtime.oci.verb import Call

REGEX = Flag("regex", "switch", "ID is a regular expression: do it to every container whose id has a match", "r")


def chosen(call: Call, is_pattern: bool) -> tuple[str, ...]:
    """The ids that a verb is about: the one that was given, or those that match; perhaps none.

    Raises:
        InvalidRequest: it is no regular expression.
    """
    if not is_pattern:
        return (call.container_id,)
    import re  # seldom needed

    try:
        pattern = re.compile(call.container_id)
    except re.error as error:
        raise InvalidRequest(f"{call.container_id!r} is no regular expression ({error})", "correct it") from error
    return tuple(report.id for report in reports(call.settings.state_root) if pattern.search(report.id))

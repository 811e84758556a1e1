"""From what a person types into the run form to a request, or to a sentence beside the field that is wrong."""

from __future__ import annotations

import shlex

from msgspec import Struct

from engine.compile import notation
from engine.errors import InvalidRequest
from engine.model import ContainerRequest, Limits, PublishedPort
from engine.naming import check_name
from engine.network import port_notation
from engine.options import BindMount, Security, VolumeMount
from tui import limit_words
from tui.limit_words import FieldError


class Fields(Struct, frozen=True, kw_only=True):
    """The form, as typed; empty means: nothing said.

    Attributes:
        limits: further ones, such as ``shares=512 cpuset=0-1``, with blanks between them.
        ports: as of ``--publish``, with blanks between them.
        volumes: as of ``--volume``, with blanks between them.
        ids: ``auto``, ``host`` or ``keep-id``.
        rights: ``usual``, ``none`` or ``privileged``.
        capabilities: names to be added, or with a minus to be dropped, with blanks between them.
    """

    image: str
    command: str = ""
    name: str = ""
    memory: str = ""
    cpus: str = ""
    pids: str = ""
    limits: str = ""
    network: str = "bridge"
    ports: str = ""
    volumes: str = ""
    ids: str = "auto"
    rights: str = "usual"
    capabilities: str = ""
    terminal: bool = True
    read_only: bool = False
    init: bool = False


def request_of(fields: Fields) -> ContainerRequest:
    """The request that the form stands for.

    Raises:
        FieldError: the first field that can't be right.
    """
    mounts = _volumes(fields.volumes)
    return ContainerRequest(
        image=_image(fields.image),
        command=_command(fields.command),
        name=_name(fields.name),
        tty=fields.terminal,
        interactive=fields.terminal,
        network=fields.network,
        limits=_limits(fields),
        ports=_ports(fields.ports),
        binds=tuple(mount for mount in mounts if isinstance(mount, BindMount)),
        volumes=tuple(mount for mount in mounts if isinstance(mount, VolumeMount)),
        userns=None if fields.ids == "auto" else fields.ids,
        security=_security(fields),
        read_only=fields.read_only,
        init=fields.init,
    )


def _image(text: str) -> str:
    if not text.strip():
        raise FieldError("image", "an image is needed", "base is always there")
    return text.strip()


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise FieldError("command", "a quote is open", "close it") from error


def _name(text: str) -> str | None:
    if not text.strip():
        return None
    try:
        check_name(text.strip())
    except InvalidRequest as error:
        raise FieldError("name", error.cause, error.remedy) from error
    return text.strip()


def _limits(fields: Fields) -> Limits:
    try:
        further = limit_words.further(fields.limits)
    except InvalidRequest as error:
        raise FieldError("limits", error.cause, error.remedy) from error
    usual = [(limit_words.MEMORY, fields.memory), (limit_words.CPUS, fields.cpus), (limit_words.PIDS, fields.pids)]
    try:
        return limit_words.limits_of([*usual, *further])
    except FieldError as error:
        is_usual = error.field in ("memory", "cpus", "pids")
        raise error if is_usual else FieldError("limits", error.cause, error.remedy) from error


def _ports(text: str) -> tuple[PublishedPort, ...]:
    try:
        return tuple(port for word in text.replace(",", " ").split() for port in port_notation.published(word))
    except InvalidRequest as error:
        raise FieldError("ports", error.cause, error.remedy) from error


def _volumes(text: str) -> tuple[BindMount | VolumeMount, ...]:
    try:
        return tuple(notation.volume(word) for word in shlex.split(text))
    except InvalidRequest as error:
        raise FieldError("volumes", error.cause, error.remedy) from error
    except ValueError as error:
        raise FieldError("volumes", "a quote is open", "close it") from error


def _security(fields: Fields) -> Security:
    from engine.compile import capabilities  # which knows what this kernel has: not for an app that just starts

    words = fields.capabilities.split()
    for word in words:
        if not capabilities.is_known(word.lstrip("+-")):
            raise FieldError("capabilities", f"{word!r} isn't a capability", "such as net_admin or -chown")
    dropped = ("ALL",) if fields.rights == "none" else ()
    return Security(
        privileged=fields.rights == "privileged",
        cap_add=tuple(word.lstrip("+") for word in words if not word.startswith("-")),
        cap_drop=(*dropped, *(word[1:] for word in words if word.startswith("-"))),
    )

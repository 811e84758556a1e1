"""From what a person types into the run form to a request, or to a sentence beside the field that is wrong."""

from __future__ import annotations

import shlex
from typing import cast

from msgspec import Struct

from engine.errors import InvalidRequest
from engine.model import ContainerRequest, Limits, NetworkMode
from engine.naming import check_name

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Fields(Struct, frozen=True, kw_only=True):
    """The form, as typed; empty means: nothing said."""

    image: str
    command: str = ""
    name: str = ""
    memory: str = ""
    cpus: str = ""
    pids: str = ""
    network: str = "bridge"
    terminal: bool = True


class FieldError(InvalidRequest):
    """A field that can't be right.

    Attributes:
        field: which one, by its name in `Fields`.
    """

    def __init__(self, field: str, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.field = field


def request_of(fields: Fields) -> ContainerRequest:
    """The request that the form stands for.

    Raises:
        FieldError: the first field that can't be right.
    """
    return ContainerRequest(
        image=_image(fields.image),
        command=_command(fields.command),
        name=_name(fields.name),
        tty=fields.terminal,
        interactive=fields.terminal,
        network=cast(NetworkMode, fields.network),
        limits=Limits(memory_bytes=_memory(fields.memory), cpus=_cpus(fields.cpus), pids=_pids(fields.pids)),
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


def _memory(text: str) -> int | None:
    number = text.strip().lower().removesuffix("ib").rstrip("bkmgt")
    unit = text.strip().lower()[len(number) :][:1]
    if not text.strip():
        return None
    try:
        count = int(float(number) * _UNITS[unit])
    except (ValueError, OverflowError) as error:
        raise FieldError("memory", f"{text.strip()!r} isn't an amount", "such as 256m or 1.5g") from error
    if count < 6 << 20:
        raise FieldError("memory", "nothing can start in less than 6m", "give it more")
    return count


def _cpus(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise FieldError("cpus", f"{text.strip()!r} isn't a number", "such as 1.5") from error
    if not 0.01 <= value <= 10_000:
        raise FieldError("cpus", "at least a hundredth of a processor is needed", "such as 0.5")
    return value


def _pids(text: str) -> int | None:
    word = text.strip()
    if not word:
        return None
    if not word.isdecimal() or int(word) < 1:
        raise FieldError("pids", f"{word!r} isn't a number of processes", "such as 512")
    return int(word)

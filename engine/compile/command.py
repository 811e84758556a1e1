"""What is executed, and with which environment: image and request combined as docker does."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ImageConfig
from engine.runtime.process import DEFAULT_PATH


def argv(request: ContainerRequest, image: ImageConfig) -> tuple[str, ...]:
    """Entrypoint and command as docker combines them: a new entrypoint also drops the image's command.

    Raises:
        InvalidRequest: neither the request nor the image says what to execute.
    """
    entrypoint = image.entrypoint if request.entrypoint is None else request.entrypoint
    command = request.command or (image.command if request.entrypoint is None else ())
    if not (entrypoint + command):
        raise InvalidRequest(f"the image {request.image} has no command of its own", "name one after the image")
    return entrypoint + command


def require_text(request: Struct) -> None:
    """Refuse what ``config.json``, which is UTF-8, can't hold.

    Raises:
        InvalidRequest: a word of the request has bytes that are no UTF-8.
    """
    try:
        msgspec.json.encode(request)
    except UnicodeEncodeError as error:  # Python stands for such bytes with surrogates (PEP 383)
        raise InvalidRequest(f"{error.object!a} is not text in UTF-8", "write it in UTF-8") from error


def environment(variables: tuple[str, ...], image: ImageConfig, home: str, hostname: str, tty: bool) -> tuple[str, ...]:
    """The image's environment, then what docker adds, then the request's own, later entries winning.

    Raises:
        InvalidRequest: an entry without a name or an equals sign.
    """
    merged = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, "HOME": home}
    if tty:
        merged["TERM"] = "xterm"
    return with_variables(merged, image.env + variables)


def with_variables(known: dict[str, str], entries: tuple[str, ...]) -> tuple[str, ...]:
    """Variables and further ``NAME=value`` entries, later ones winning, as a process gets them.

    Raises:
        InvalidRequest: an entry without a name or an equals sign.
    """
    merged = dict(known)
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not name or not equals or "\0" in entry:
            raise InvalidRequest(f"{entry!r} is not an environment variable", "write it as NAME=value")
        merged[name] = value
    return tuple(f"{name}={value}" for name, value in merged.items())


def absolute(folder: str) -> str:
    """A working directory.

    Raises:
        InvalidRequest: it doesn't begin with a slash.
    """
    if not folder.startswith("/"):
        raise InvalidRequest(f"the working directory {folder!r} is not absolute", "start it with a slash")
    return folder

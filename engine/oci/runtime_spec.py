"""``config.json`` of the OCI runtime specification, as types. Field names are the specification's (config.md).

Unknown fields are ignored, as the specification asks; a value of the wrong type, or one that the specification
doesn't list, is an error.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct, field

from engine.errors import InvalidRequest
from engine.oci.linux_spec import IdMapping, Linux
from engine.oci.process_spec import Process
from engine.oci.version import OCI_VERSION as OCI_VERSION  # noqa: PLC0414 - said once more here, where it belongs

_Part = TypeVar("_Part")


class Root(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The root file system: a path absolute or relative to the bundle."""

    path: str
    readonly: bool = False


class Mount(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config.md, "Mounts". A mount whose destination is "/" is the root file system itself, made on `Root.path`."""

    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()


class Hook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program to be run at one point of a container's life; `timeout` in seconds."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


class Hooks(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config.md, "POSIX-platform Hooks", in the order in which they are called."""

    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()


class Spec(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A whole ``config.json``."""

    oci_version: str
    root: Root | None = None
    process: Process | None = None
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[Mount, ...] = ()
    hooks: Hooks = Hooks()
    annotations: dict[str, str] = field(default_factory=dict)
    linux: Linux | None = None


def decode(text: bytes | memoryview) -> Spec:
    """Read a ``config.json``.

    Raises:
        InvalidRequest: it is no JSON, or a value has the wrong type; the sentence says where.
    """
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError:
        return decode_part(text, Spec)  # says what is wrong, or that only Go's way of writing was unusual


def decode_part(text: bytes | memoryview, kind: type[_Part], name: str = "config.json") -> _Part:
    """Read a part of a ``config.json``, such as the `Process` that ``exec --process`` names.

    Raises:
        InvalidRequest: as `decode`.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:  # perhaps only because Go writes null for lists that it hasn't got
        pass
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"{name} is not valid ({error})", "correct it and try again") from error
    try:
        return msgspec.json.decode(msgspec.json.encode(_without_nulls(msgspec.json.decode(text))), type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRequest(f"{name} is not valid ({error})", "correct it and try again") from error


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def encode(spec: Spec) -> bytes:
    """A ``config.json``, indented for people."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2)


_decoder = msgspec.json.Decoder(Spec)  # what is compiled here once isn't in every process that is forked later

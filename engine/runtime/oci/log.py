"""What callers read when something failed: lines of a log file, in the two forms that runc writes."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Literal

import msgspec
from msgspec import Struct

from engine.errors import BoxdeckError, CommandNotFound, InvalidRequest
from engine.runtime.oci.settings import Settings

Level = Literal["debug", "warning", "error"]

# Callers know failures by the words of Go's library in them (containerd, podman and dockerd give a command that
# isn't there the exit status 127 by them).
_WORDS_OF_GO: dict[type[BoxdeckError], str] = {CommandNotFound: "executable file not found in $PATH"}


class Entry(Struct, frozen=True):
    """One line of a log in JSON (logrus' names, which containerd reads)."""

    level: Level
    msg: str
    time: str


class Log:
    """Standard error for people, and the file of ``--log`` for callers.

    Raises:
        InvalidRequest: the format isn't one, or the file can't be written.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.log_format not in ("text", "json"):
            raise InvalidRequest(f"there is no log format {settings.log_format!r}", "choose text or json")
        self._path = settings.log.removeprefix("file:")
        self._as_json = settings.log_format == "json"
        self._warns, self._debug = settings.wants_warnings, settings.wants_debug
        if self._path:
            self._try()

    def _try(self) -> None:
        """Callers read it when something fails, so they hear now that it can't be written."""
        try:
            _append(self._path, b"")
        except OSError as error:
            raise InvalidRequest(
                f"the log {self._path} can't be written ({error.strerror})", "choose another with --log"
            ) from error

    def debug(self, text: str) -> None:
        """What is done; kept only with ``--debug``."""
        if self._debug:
            self._write("debug", text, to_stderr=not self._path)

    def warn(self, text: str) -> None:
        """Something was asked for that can only be had in part."""
        if self._warns:
            self._write("warning", text, to_stderr=not self._path)

    def fail(self, error: BoxdeckError) -> None:
        """Why the command ends here."""
        words = _WORDS_OF_GO.get(type(error))
        text = f"{error.cause} ({words}): {error.remedy}" if words else str(error)
        self._write("error", text, to_stderr=True)

    def _write(self, level: Level, text: str, to_stderr: bool) -> None:
        if to_stderr:
            sys.stderr.write(f"boxdeck-oci: {text}\n" if level == "error" else f"boxdeck-oci: {level}: {text}\n")
        if self._path:
            with suppress(OSError):  # a disk that is full by now; it was said on standard error
                _append(self._path, _line(level, text, self._as_json))


def _line(level: Level, text: str, as_json: bool) -> bytes:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if as_json:
        return msgspec.json.encode(Entry(level, text, stamp)) + b"\n"
    quoted = msgspec.json.encode(text).decode()
    return f'time="{stamp}" level={level} msg={quoted}\n'.encode()


def _append(path: str, line: bytes) -> None:
    """One write, so that lines of several processes don't mix."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)

"""``--log-driver`` and ``--log-opt``: where the log of a container goes, and how large it may become."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable

from msgspec.structs import replace

from engine.cli import values
from engine.errors import InvalidRequest
from engine.log_config import DRIVERS, LogConfig, LogDriver

DRIVER_HELP = "file, journald, or none to keep nothing [file]"
HELP = (
    "max-size=SIZE of each of max-file=NUMBER files, compress=BOOL those that are full [10m, 3, true]; "
    "labels=NAME,… and env=NAME,… that belong to each line (logs --details)"
)
_NAMES = {"labels": "labels", "env": "env"}
_WITH_NAMES = ("file", "journald")
_DOCKERS: dict[str, LogDriver] = {"json-file": "file", "local": "file"}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def driver(text: str) -> LogDriver:
    """One of ours; docker's two kinds of files are our files.

    Raises:
        ArgumentTypeError: there is no such driver.
    """
    known: dict[str, LogDriver] = {name: name for name in DRIVERS} | _DOCKERS
    if text not in known:
        raise ArgumentTypeError(f"there is no log driver {text!r}: choose {', '.join(DRIVERS[:-1])} or {DRIVERS[-1]}")
    return known[text]


def log_config(driver: LogDriver, words: Iterable[str]) -> LogConfig:
    """From a driver and options such as ``max-size=1m``.

    Raises:
        InvalidRequest: an option that the driver hasn't got, or a value that is none.
    """
    config = LogConfig(driver=driver)
    for word in words:
        name, _, value = word.partition("=")
        if name in _NAMES and value and driver in _WITH_NAMES:
            config = replace(config, **{_NAMES[name]: tuple(filter(None, value.split(",")))})
        elif driver != "file":
            raise InvalidRequest(f"the log driver {driver} has no option {name!r}", "leave it out")
        elif name == "max-size":
            config = replace(config, max_bytes=_size(value))
        elif name == "max-file":
            config = replace(config, max_files=_count(value))
        elif name == "compress" and value in _BOOLEANS:
            config = replace(config, compress=_BOOLEANS[value])
        else:
            raise InvalidRequest(
                f"there is no log option {word!r}",
                "choose max-size=10m, max-file=3, compress=false, labels=NAME or env=NAME",
            )
    return config


def _size(text: str) -> int:
    try:
        return values.memory_size(text) or 0
    except ArgumentTypeError as error:
        raise InvalidRequest(f"--log-opt max-size: {error}") from error


def _count(text: str) -> int:
    if not text.isdecimal():
        raise InvalidRequest(f"{text!r} is no number of log files", "write it as max-file=3")
    return int(text)

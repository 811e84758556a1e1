"""Flags in all the ways in which Go's and GNU's parsers take them."""

from __future__ import annotations

import pytest

from engine.errors import InvalidRequest
from engine.runtime.oci.events import seconds
from engine.runtime.oci.flags import Flag, parse
from engine.runtime.oci.update import size

FLAGS = (
    Flag("bundle", "text", "", "b"),
    Flag("detach", "switch", "", "d"),
    Flag("tty", "switch", "", "t"),
    Flag("env", "list", "", "e"),
)


@pytest.mark.parametrize(
    ("arguments", "values", "words"),
    [
        (["--bundle", "x", "one"], {"bundle": "x"}, ["one"]),
        (["--bundle=x", "one"], {"bundle": "x"}, ["one"]),
        (["-bundle", "x", "one"], {"bundle": "x"}, ["one"]),
        (["-b", "x", "-d", "one"], {"bundle": "x", "detach": True}, ["one"]),
        (["-dt", "one"], {"detach": True, "tty": True}, ["one"]),
        (["-dtb", "x", "one"], {"detach": True, "tty": True, "bundle": "x"}, ["one"]),
        (["--detach=false", "one"], {"detach": False}, ["one"]),
        (["one", "--detach"], {"detach": True}, ["one"]),
        (["-e", "A=1", "--env=B=2"], {"env": ["A=1", "B=2"]}, []),
        (["one", "--", "-d"], {}, ["one", "-d"]),
        (["-b", "-", "-"], {"bundle": "-"}, ["-"]),
    ],
)
def test_flags_and_words(arguments: list[str], values: dict[str, object], words: list[str]) -> None:
    assert parse(arguments, FLAGS, interspersed=True) == (values, words)


def test_a_foreign_command_keeps_its_flags() -> None:
    assert parse(["-t", "one", "ls", "-d", "--", "x"], FLAGS, interspersed=False) == (
        {"tty": True},
        ["one", "ls", "-d", "--", "x"],
    )


@pytest.mark.parametrize("arguments", [["--no"], ["-x"], ["--bundle"], ["---"], ["-dx"]])
def test_what_is_no_flag_is_refused(arguments: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        parse(arguments, FLAGS, interspersed=True)


@pytest.mark.parametrize(
    ("text", "number"), [("", None), ("-1", -1), ("4096", 4096), ("64k", 65536), ("1MiB", 1 << 20), ("2Gb", 2 << 30)]
)
def test_sizes(text: str, number: int | None) -> None:
    assert size(text) == number


@pytest.mark.parametrize(("text", "number"), [("500ms", 0.5), ("5s", 5.0), ("1m", 60.0), ("1.5s", 1.5)])
def test_intervals(text: str, number: float) -> None:
    assert seconds(text) == number


@pytest.mark.parametrize("text", ["", "5", "0s", "-1s", "s", "1.2.3s"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        seconds(text)

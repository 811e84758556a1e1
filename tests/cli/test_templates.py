"""``--format``: what of Go's templates is understood, and what is said of the rest."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest
from msgspec import Struct, field

from engine.cli.output import Column, list_lines
from engine.cli.templates import format_of
from engine.errors import InvalidRequest
from tests.command_line import CommandLine

READ = format_of("table", "json")


class Inner(Struct, rename="pascal"):
    size: int = 7
    words: tuple[str, ...] = ("a", "b")


class Row(Struct, rename="pascal"):
    id: str = field(name="ID")
    is_on: bool = True
    nothing: None = None
    inner: Inner = field(default_factory=Inner)
    labels: dict[str, str] = field(default_factory=lambda: {"k": "v"})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{.ID}}", "x1"),
        ("{{ .ID }}/{{.IsOn}}", "x1/true"),
        (r"a\t{{.ID}}\n", "a\tx1\n"),
        ("{{.Inner.Size}} {{.Inner.Words}}", "7 [a b]"),
        ("{{.Labels.k}} {{.Labels}}", "v map[k:v]"),
        ("{{.Nothing}}", "<no value>"),
        ("{{json .ID}}", '"x1"'),
        ("{{ json  .Inner }}", '{"Size":7,"Words":["a","b"]}'),
        (
            "{{json .}}",
            '{"ID":"x1","IsOn":true,"Nothing":null,"Inner":{"Size":7,"Words":["a","b"]},"Labels":{"k":"v"}}',
        ),
    ],
)
def test_what_is_understood(template: str, expected: str) -> None:
    assert READ(template).line(Row(id="x1")) == expected


@pytest.mark.parametrize(
    "template",
    ["{{if .X}}a{{end}}", "{{.X | upper}}", "{{range .Y}}", "{{}}", "{{.}}", "{{X}}", "{{.X", "{{.X}} {{.Y", "yaml"],
)
def test_what_is_not_understood_is_refused_by_its_text(template: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"not understood|neither table nor json|has no end"):
        READ(template)


def test_a_field_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest, match=r"no field 'Colour'.*ID, IsOn, Nothing, Inner, Labels"):
        READ("{{.Colour}}").line(Row(id="x1"))
    with pytest.raises(InvalidRequest, match=r"no field 'Deep'.*no fields"):
        READ("{{.ID.Deep}}").line(Row(id="x1"))


def test_a_table_has_headings_and_columns() -> None:
    rows = [Row(id="x1"), Row(id="a longer one")]
    columns = [Column("THE ID", "id")]
    assert list_lines(rows, columns, READ(r"table {{.ID}}\t{{.IsOn}}\t{{.Inner.Size}}")) == [
        "THE ID         IS ON   SIZE",
        "x1             true    7",
        "a longer one   true    7",
    ]


def test_what_a_container_names_cannot_command_the_terminal() -> None:
    assert READ("{{.ID}}").line(Row(id="x\x1b[2J\n")) == "x?[2J?"


def test_every_list_takes_templates(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "listed", "base", "sleep", "99")
    assert boxdeck.ok("ps", "--format", "{{.Names}} {{.Image}}") == "listed base"
    assert boxdeck.ok("ps", "--format", "table {{.Names}}").splitlines() == ["NAMES", "listed"]
    assert "base:latest" in boxdeck.ok("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert boxdeck.ok("inspect", "-f", "{{.State.Status}} {{json .Name}}", "listed") == 'running "/listed"'
    assert boxdeck.ok("info", "--format", "{{.ContainersRunning}}") == "1"
    assert "user" in boxdeck.ok("ns", "ls", "--format", "{{.Type}}").splitlines()
    refused = boxdeck("ps", "--format", "{{range .}}")
    assert refused.status == 125
    assert "{{range .}} is not understood" in refused.sentence

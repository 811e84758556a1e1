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
        ("{{.}}", "map[ID:x1 IsOn:true Nothing:<no value> Inner:map[Size:7 Words:[a b]] Labels:map[k:v]]"),
        ("{{if .IsOn}}on{{else}}off{{end}} {{if .Nothing}}on{{else if eq .ID `x1`}}x{{end}}", "on x"),
        ("{{range .Inner.Words}}<{{.}}>{{end}}{{range .Nothing}}x{{else}}none{{end}}", "<a><b>none"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{$.ID}}{{end}}", "k=v x1"),
        ("{{range $at, $word := .Inner.Words}}{{if $at}},{{end}}{{$word}}{{end}}", "a,b"),
        ("{{with .Inner}}{{.Size}}{{end}}{{with $x := .ID}}{{$x}}{{end}}", "7x1"),
        ('{{index .Labels "k"}}{{index .Labels "none"}}{{index .Inner.Words 1}}{{.Label "k"}}', "vbv"),
        ('{{.ID | upper | printf "%5s|%-4s|%q" "a"}}', '    a|X1  |"%!(MISSING)"'),
        ('{{join .Inner.Words "/"}} {{len .Inner.Words}} {{(index .Inner.Words 0) | json}}', 'a/b 2 "a"'),
        ("{{if and .IsOn (not .Nothing) (gt .Inner.Size 6)}}yes{{end}}", "yes"),
        ("a {{- .ID -}} b{{/* nothing */}}", "ax1b"),
        ("{{$x := .ID}}{{println $x}}{{title `up`}}", "x1\nUp"),
        ("{{truncate .ID 1}}{{pad .ID 1 2}}.", "x x1  ."),
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
    [
        "{{range .Y}}", "{{if .X}}a{{else}}", "{{end}}", "{{else}}", "{{if}}a{{end}}", "{{}}", "{{X}}", "{{.X",
        "{{.X}} {{.Y", "{{.X | }}", "{{.X .Y}}", "{{json}}", "{{(.X}}", "{{.X)}}", "{{.X ! .Y}}", "{{else if .X}}",
        "{{$x :=}}", "{{template \"x\"}}", "yaml",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_its_text(template: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"not understood|neither table nor json|has no end|ends nothing"):
        READ(template)


def test_a_field_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest, match=r"no field 'Colour'.*ID, IsOn, Nothing, Inner, Labels"):
        READ("{{.Colour}}").line(Row(id="x1"))
    with pytest.raises(InvalidRequest, match=r"no field 'Deep'.*no fields"):
        READ("{{.ID.Deep}}").line(Row(id="x1"))
    with pytest.raises(InvalidRequest, match=r"len can't be made of '7'"):
        READ("{{len .Inner.Size}}").line(Row(id="x1"))
    with pytest.raises(InvalidRequest, match=r"'x1' is neither a list nor a map"):
        READ("{{range .ID}}{{end}}").line(Row(id="x1"))
    assert READ("{{.ID}}{{$.IsOn}}{{range .Labels}}{{.}}{{end}}").fields == {"ID", "IsOn", "Labels"}


def test_a_table_has_headings_and_columns() -> None:
    rows = [Row(id="x1"), Row(id="a longer one")]
    columns = [Column("THE ID", "id")]
    assert list_lines(rows, columns, READ(r"table {{.ID}}\t{{.IsOn}}\t{{.Inner.Size}}")) == [
        "THE ID         IS ON   SIZE",
        "x1             true    7",
        "a longer one   true    7",
    ]


def test_headings_follow_what_is_done_to_fields() -> None:
    template = READ('table {{.ID | lower}}\t{{.Label "tier"}}\t{{json .Inner.Size}}\t{{if .IsOn}}{{.IsOn}}{{end}}')
    assert template.headings([("THE ID", "ID")]) == "the id\ttier\tSIZE\tIS ON"


def test_what_a_container_names_cannot_command_the_terminal() -> None:
    assert READ("{{.ID}}").line(Row(id="x\x1b[2J\n")) == "x?[2J?"
    for template in ("{{upper .ID}}", "{{print .ID}}", '{{printf "%s" .ID}}', "{{range split .ID `[`}}{{.}}[{{end}}"):
        assert READ(template).line(Row(id="x\x1b[2J\n")).upper().removesuffix("[") == "X?[2J?"


def test_every_list_takes_templates(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "listed", "base", "sleep", "99")
    assert boxdeck.ok("ps", "--format", "{{.Names}} {{.Image}}") == "listed base"
    assert boxdeck.ok("ps", "--format", "table {{.Names}}").splitlines() == ["NAMES", "listed"]
    assert "base:latest" in boxdeck.ok("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert boxdeck.ok("inspect", "-f", "{{.State.Status}} {{json .Name}}", "listed") == 'running "/listed"'
    assert boxdeck.ok("info", "--format", "{{.ContainersRunning}}") == "1"
    assert "user" in boxdeck.ok("ns", "ls", "--format", "{{.Type}}").splitlines()
    address = boxdeck.ok("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "listed")
    assert address.startswith("10.") or address.count(".") == 3
    assert boxdeck.ok("inspect", "-f", "{{.RuntimeSpec.process.cwd}}", "listed") == "/"
    refused = boxdeck("ps", "--format", "{{range .}}")
    assert refused.status == 125
    assert "{{range .}} has no end" in refused.sentence

"""Layers and files as lines: what builders wrote around instructions is gone, and everything keeps to its width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Layer, Progress, Sighting
from engine.model.layer import LayerFile
from tui.drawing import file_rows, layer_rows, pull_lines
from tui.drawing.lines import plain, printable, width
from tui.file_list import FileRow

LAYER = Layer(number=3, diff_id="sha256:" + "a" * 64, instruction="COPY . /srv", size_bytes=5 << 20, added=7, removed=2)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/bin/sh -c #(nop) ADD file:abc in / ", "ADD file:abc in /"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("|2 A=1 B=2 /bin/sh -c make", "RUN make"),
        ("COPY app /srv # buildkit", "COPY app /srv"),
        ("RUN a &&\n\tb", "RUN a && b"),
        ("\x1b]0;gotcha\x07COPY x", "\N{REPLACEMENT CHARACTER}]0;gotcha\N{REPLACEMENT CHARACTER}COPY x"),
        ("", ""),
    ],
)
def test_instructions_are_a_dockerfiles_lines(said: str, shown: str) -> None:
    assert layer_rows.instruction_words(said) == shown


@given(st.text(max_size=40))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize("cells", [8, 20, 40, 60, 120])
def test_rows_stand_below_their_titles(cells: int) -> None:
    rows = [
        layer_rows.titles(cells),
        layer_rows.layer_row(LAYER, 10 << 20, cells, is_selected=False),
        layer_rows.all_row([LAYER], cells, is_selected=True),
    ]
    assert all(width(row) <= cells for row in rows)
    if cells >= 60:
        assert plain(rows[0]).index("SIZE") + 4 == plain(rows[1]).index("5.0M") + 4


def test_a_layer_tells_what_it_does() -> None:
    text = plain(layer_rows.layer_row(LAYER, 10 << 20, 120, is_selected=False))
    assert all(each in text for each in ("3", "━━━━━╌╌╌╌╌", "5.0M", "+7", "\N{MINUS SIGN}2", "COPY . /srv"))
    assert plain(layer_rows.counts(LAYER)) == "+7 \N{MINUS SIGN}2"


def test_long_instructions_are_cut_where_there_is_no_room() -> None:
    long = Layer(number=1, diff_id="sha256:b", instruction="RUN " + "word " * 60)
    lines = layer_rows.detail_lines(long, 30, 3)
    assert len(lines) == 3 and plain(lines[1]).endswith("…") and plain(lines[2]) == "sha256:b"


FILE = LayerFile(name="hosts", kind="-", size_bytes=120, layer=3, action="changed", is_touched=True)


def test_a_file_has_its_mark_size_and_layer() -> None:
    text = plain(file_rows.file_row(FileRow(FILE, "/etc", 1), None, 60, is_selected=False))
    assert text == "~  120B      3  │   hosts"
    assert "own" in plain(file_rows.file_row(FileRow(FILE, "/etc", 1), 3, 60, is_selected=False))


def test_very_deep_files_keep_their_names_in_sight() -> None:
    text = plain(file_rows.file_row(FileRow(FILE, "/etc", 400), None, 120, is_selected=False))
    assert text.endswith("hosts")


def test_a_path_says_what_it_comes_from_and_what_that_hides() -> None:
    sightings = [
        Sighting(layer=number, diff_id="sha256:a", action=action, size_bytes=number)
        for number, action in ((9, "changed"), (7, "removed"), (3, "changed"), (1, "added"))
    ]
    lines = [plain(each) for each in file_rows.path_lines(FileRow(FILE, "/etc", 1), sightings, [LAYER], 80, 5)]
    assert lines[0] == "/etc/hosts · file · 120B"
    assert lines[1].startswith("from     layer 9")
    assert lines[2].startswith("gone by  layer 7")
    assert lines[3].startswith("hides    layer 3 · 3B · COPY . /srv")
    assert len(lines) == 5
    short = file_rows.path_lines(FileRow(FILE, "/etc", 1), sightings, [LAYER], 80, 3)
    assert [plain(each) for each in short][-1] == "and 3 more layers"


def test_a_pull_has_a_bar_for_each_layer() -> None:
    parts = [
        Progress(what="Downloading", part="aa", done=50, total=100),
        Progress(what="Unpacking", part="bb", done=100, total=100),
        Progress(what="Ready", part="cc"),
    ]
    lines = [plain(each) for each in pull_lines.layer_lines(parts, 80, 5)]
    assert [each[:2] for each in lines] == ["aa", "bb", "cc"]
    assert abs(lines[0].count("━") - lines[0].count("╌")) < 2 and "50B / 100B" in lines[0]
    assert "╌" not in lines[2]
    assert pull_lines.share(parts) == pytest.approx((0.25 + 1 + 1) / 3)
    assert pull_lines.share([]) == 0


def test_layers_that_are_ready_give_way_first() -> None:
    parts = [Progress(what="Ready", part=f"{n}") for n in range(9)] + [Progress(what="Downloading", part="busy")]
    lines = [plain(each) for each in pull_lines.layer_lines(parts, 60, 4)]
    assert len(lines) == 4
    assert any(each.startswith("busy") for each in lines)
    assert lines[-1] == "and 7 more layers"

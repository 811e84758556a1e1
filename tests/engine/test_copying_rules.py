"""Where copies end up: the table of docker cp(1)."""

from __future__ import annotations

import pytest

from engine.copying.rules import Found, Landing, Spelling, landing
from engine.errors import BoxdeckError, InvalidRequest

FILE, FOLDER = False, True


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b", Spelling("/a/b", "b", False, False)),
        ("b", Spelling("b", "b", False, False)),
        ("/a/b/", Spelling("/a/b", "b", True, False)),
        ("/a/b//", Spelling("/a/b", "b", True, False)),
        ("/a/b/.", Spelling("/a/b/.", "", True, True)),
        ("/a/b/./", Spelling("/a/b/.", "", True, True)),
        (".", Spelling(".", "", True, True)),
        ("/a/..", Spelling("/a/..", "", True, True)),
        ("/", Spelling("/", "", True, True)),
        ("...", Spelling("...", "...", False, False)),
    ],
)
def test_what_the_spelling_of_a_path_says(path: str, expected: Spelling) -> None:
    assert Spelling.of(path) == expected


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidRequest, match="is no path"):
        Spelling.of(path)


@pytest.mark.parametrize(
    ("source", "kind", "target", "found", "expected"),
    [
        ("f", FILE, "/t", Found.NOTHING, Landing.ITSELF),
        ("f", FILE, "/t/", Found.NOTHING, "the folder T doesn't exist"),
        ("f", FILE, "/t", Found.OTHER, Landing.ITSELF),
        ("f", FILE, "/t/", Found.OTHER, "T is no folder"),
        ("f", FILE, "/t", Found.FOLDER, Landing.INSIDE),
        ("f", FILE, "/t/", Found.FOLDER, Landing.INSIDE),
        ("d", FOLDER, "/t", Found.NOTHING, Landing.ITSELF),
        ("d", FOLDER, "/t/", Found.NOTHING, Landing.ITSELF),
        ("d/.", FOLDER, "/t", Found.NOTHING, Landing.ITSELF),
        ("d", FOLDER, "/t", Found.OTHER, "a folder can't be copied over the file T"),
        ("d", FOLDER, "/t", Found.FOLDER, Landing.INSIDE),
        ("d/", FOLDER, "/t", Found.FOLDER, Landing.INSIDE),
        ("d/.", FOLDER, "/t", Found.FOLDER, Landing.MERGED),
        (".", FOLDER, "/t", Found.FOLDER, Landing.MERGED),
        ("/", FOLDER, "/t", Found.FOLDER, Landing.MERGED),
    ],
)
def test_docker_s_rules(source: str, kind: bool, target: str, found: Found, expected: Landing | str) -> None:
    arguments = Spelling.of(source), kind, Spelling.of(target), found, "T"
    if isinstance(expected, Landing):
        assert landing(*arguments) is expected
    else:
        with pytest.raises(BoxdeckError, match=expected):
            landing(*arguments)

"""Trees of files as rows: opened, closed, filtered, and of changes alone."""

from __future__ import annotations

from engine.model.layer import LayerFile
from tui.file_list import FileList


def folder(name: str, *children: LayerFile, action: str | None = None) -> LayerFile:
    return LayerFile(
        name=name,
        kind="d",
        size_bytes=sum(child.size_bytes for child in children),
        layer=1,
        action=action,  # type: ignore[arg-type]
        is_touched=action is not None or any(child.is_touched for child in children),
        children=children,
    )


def file(name: str, action: str | None = None) -> LayerFile:
    return LayerFile(name=name, kind="-", size_bytes=1, layer=1, action=action, is_touched=action is not None)  # type: ignore[arg-type]


def listed() -> FileList:
    files = FileList()
    files.take(
        folder(
            "",
            folder("etc", file("group"), file("passwd", "changed")),
            folder("opt", folder("new", file("one", "added"), file("two", "added"), action="added")),
            folder("usr", folder("bin", file("env"), file("Etcd"))),
        )
    )
    return files


def paths(files: FileList) -> list[str]:
    return [row.path for row in files.rows]


def test_what_is_looked_for_is_told_from_the_folders_that_lead_there() -> None:
    files = listed()
    files.set_filter("env")
    assert paths(files) == ["/usr", "/usr/bin", "/usr/bin/env"]
    assert files.found == [2]
    files.set_filter("usr/bin/e")
    assert files.found == [2, 3]
    files.set_filter("etc")
    assert [paths(files)[index] for index in files.found] == ["/etc", "/usr/bin/Etcd"]


def test_folders_are_closed_until_they_are_opened() -> None:
    files = listed()
    assert paths(files) == ["/etc", "/opt", "/usr"]
    files.turn(2)
    assert paths(files) == ["/etc", "/opt", "/usr", "/usr/bin"]
    files.turn(3)
    assert paths(files)[-2:] == ["/usr/bin/env", "/usr/bin/Etcd"]
    assert [row.depth for row in files.rows] == [0, 0, 0, 1, 2, 2]
    files.turn(2)
    assert paths(files) == ["/etc", "/opt", "/usr"]
    files.turn(2)
    assert "/usr/bin/env" in paths(files)  # it was open


def test_what_is_open_stays_so_when_the_tree_is_another_one() -> None:
    files = listed()
    files.turn(0)
    files.take(folder("", folder("etc", file("hosts")), folder("var", file("log"))))
    assert paths(files) == ["/etc", "/etc/hosts", "/var"]


def test_a_file_can_t_be_opened() -> None:
    files = listed()
    files.turn(0)
    files.turn(1)
    assert paths(files) == ["/etc", "/etc/group", "/etc/passwd", "/opt", "/usr"]


def test_changes_alone_are_open_but_for_what_is_new_as_a_whole() -> None:
    files = listed()
    files.turn_changes()
    assert paths(files) == ["/etc", "/etc/passwd", "/opt", "/opt/new"]
    files.turn(3)
    assert paths(files)[-2:] == ["/opt/new/one", "/opt/new/two"]
    files.turn(0)
    assert "/etc/passwd" not in paths(files)
    files.turn_changes()
    assert paths(files) == ["/etc", "/opt", "/usr"]
    files.turn_changes()
    assert "/opt/new/one" in paths(files)


def test_a_filter_lists_names_and_the_folders_that_lead_to_them() -> None:
    files = listed()
    files.set_filter("etc")
    assert paths(files) == ["/etc", "/usr", "/usr/bin", "/usr/bin/Etcd"]
    files.set_filter("bin/e")
    assert paths(files) == ["/usr", "/usr/bin", "/usr/bin/env", "/usr/bin/Etcd"]
    files.turn(0)  # there is nothing to close
    assert len(files.rows) == 4
    files.set_filter("nothing")
    assert files.rows == []
    files.set_filter("")
    assert paths(files) == ["/etc", "/opt", "/usr"]


def test_a_filter_among_changes_finds_changes_alone() -> None:
    files = listed()
    files.turn_changes()
    files.set_filter("g")
    assert files.rows == []
    files.set_filter("p")
    assert paths(files) == ["/etc", "/etc/passwd", "/opt"]


def test_rows_know_the_folder_above() -> None:
    files = listed()
    files.turn(2)
    files.turn(3)
    assert files.parent(5) == 3
    assert files.parent(3) == 2
    assert files.parent(0) == 0
    assert files.index_of("/usr/bin/env") == 4
    assert files.index_of("/nowhere") is None

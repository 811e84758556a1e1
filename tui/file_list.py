"""A tree of files as the rows that are in sight of it: what is open, what a filter lets through, what is hidden."""

from __future__ import annotations

from msgspec import Struct

from engine.model.layer import LayerFile


class FileRow(Struct, frozen=True, gc=False):
    """One row: a file, the path of the folder that it is in, how deep that is, and whether what is in it follows."""

    file: LayerFile
    place: str
    depth: int
    is_open: bool = False

    @property
    def path(self) -> str:
        """Its own path."""
        return f"{self.place}/{self.file.name}"


class FileList:
    """Rows of a tree, folders before what is in them.

    Folders are closed until they are opened. Of changes alone, those that were only passed through are open.

    Attributes:
        only_changes: whether files that nothing was done to are hidden.
        filter_text: only files whose names contain it are listed, with the folders that lead to them; with a slash in
            it, whose paths do.
        found: the rows of what a filter looks for itself, without the folders that lead there.
        version: another number whenever all rows were made anew.
    """

    def __init__(self) -> None:
        self.only_changes = False
        self.filter_text = ""
        self.rows: list[FileRow] = []
        self.found: list[int] = []
        self.version = 0
        self._root: LayerFile | None = None
        self._turned: dict[bool, set[str]] = {False: set(), True: set()}

    @property
    def is_known(self) -> bool:
        """Whether there is a tree at all."""
        return self._root is not None

    def take(self, root: LayerFile) -> None:
        """Another tree; folders stay open."""
        self._root = root
        self.refresh()

    def set_filter(self, text: str) -> None:
        """List only what contains the text."""
        self.filter_text = text
        self.refresh()

    def turn_changes(self) -> None:
        """Hide what nothing was done to, or show it again."""
        self.only_changes = not self.only_changes
        self.refresh()

    def turn(self, index: int) -> None:
        """Open or close a folder."""
        row = self.rows[index]
        if not row.file.children or self.filter_text:
            return
        self._turned[self.only_changes] ^= {row.path}
        end = index + 1
        below: list[FileRow] = []
        if row.is_open:
            end = next((i for i in range(end, len(self.rows)) if self.rows[i].depth <= row.depth), len(self.rows))
        else:
            self._list(row.file, row.path, row.depth + 1, below)
        self.rows[index:end] = [FileRow(row.file, row.place, row.depth, not row.is_open), *below]

    def parent(self, index: int) -> int:
        """The row of the folder that a row is in; its own where that is the root."""
        depth = self.rows[index].depth
        return next((i for i in range(index - 1, -1, -1) if self.rows[i].depth < depth), index)

    def index_of(self, path: str) -> int | None:
        """The row of a path, if it is listed."""
        return next((index for index, row in enumerate(self.rows) if row.path == path), None)

    def refresh(self) -> None:
        """Make the rows anew."""
        self.version += 1
        self.found = []
        if self._root is None:
            self.rows = []
        elif wanted := self.filter_text.casefold():
            self.rows = self._matching(self._root, "", 0, wanted)
            self.found = [index for index, row in enumerate(self.rows) if _fits(row.path, row.file.name, wanted)]
        else:
            self.rows = []
            self._list(self._root, "", 0, self.rows)

    def _list(self, folder: LayerFile, place: str, depth: int, rows: list[FileRow]) -> None:
        """Add what is in a folder; there may be very many without anything in them."""
        turned, only_changes = self._turned[self.only_changes], self.only_changes
        for file in folder.children:
            if only_changes and not file.is_touched:
                continue
            if not file.children:
                rows.append(FileRow(file, place, depth))
                continue
            path = f"{place}/{file.name}"
            is_open = (path in turned) != self._begins_open(file)
            rows.append(FileRow(file, place, depth, is_open))
            if is_open:
                self._list(file, path, depth + 1, rows)

    def _begins_open(self, file: LayerFile) -> bool:
        return self.only_changes and file.action in (None, "changed")

    def _matching(self, folder: LayerFile, place: str, depth: int, wanted: str) -> list[FileRow]:
        only_changes = self.only_changes
        rows: list[FileRow] = []
        for file in folder.children:
            if only_changes and not file.is_touched:
                continue
            below = self._matching(file, f"{place}/{file.name}", depth + 1, wanted) if file.children else ()
            if below or _fits(f"{place}/{file.name}", file.name, wanted):
                rows.append(FileRow(file, place, depth, bool(below)))
                rows.extend(below)
        return rows


def _fits(path: str, name: str, wanted: str) -> bool:
    """Whether a name contains a text; a path where that has a slash in it."""
    return wanted in (path if "/" in wanted else name).casefold()

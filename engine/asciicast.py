"""What a terminal showed, as a file that asciinema plays (asciicast file format, version 2)."""

from __future__ import annotations

import codecs
import os
import time
from pathlib import Path

import msgspec

from engine.errors import InvalidRequest


class Recording:
    """A file that output is written to as it comes; whoever is killed leaves all that was written until then.

    Args:
        path: of a new file.
        rows, columns: of the terminal.
        title: what is recorded.

    Attributes:
        is_empty: whether nothing was shown yet.

    Raises:
        InvalidRequest: the file is there already, or can't be made.
    """

    def __init__(self, path: Path, rows: int, columns: int, title: str = "") -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError as error:
            raise InvalidRequest(f"{path} is there already", "remove it, or record to another file") from error
        except OSError as error:
            raise InvalidRequest(f"{path} can't be made ({error.strerror})", "record to another file") from error
        self.path = path
        self.is_empty = True
        self._size = rows, columns
        self._began = time.monotonic()
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        header = {"version": 2, "width": columns, "height": rows, "timestamp": int(time.time()), "title": title}
        self._write({**header, "env": {"TERM": "xterm-256color"}})

    def output(self, data: bytes) -> None:
        """Something was shown; characters may be cut anywhere.

        Raises:
            InvalidRequest: it can't be written, as where the disk is full.
        """
        if text := self._text.decode(data):
            self._event("o", text)

    def resize(self, rows: int, columns: int) -> None:
        """The terminal has another size.

        Raises:
            InvalidRequest: it can't be written.
        """
        if (rows, columns) != self._size:
            self._size = rows, columns
            self._event("r", f"{columns}x{rows}")

    def close(self) -> None:
        """Nothing more comes."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _event(self, kind: str, text: str) -> None:
        self.is_empty = False
        self._write([round(time.monotonic() - self._began, 6), kind, text])

    def _write(self, line: object) -> None:
        data = msgspec.json.encode(line) + b"\n"
        try:
            while data and self._file >= 0:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.close()
            raise InvalidRequest(f"{self.path} can't be written ({error.strerror})", "see df") from error

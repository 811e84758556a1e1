"""What libghostty calls back for: replies to the process, its identity, its size, and texts for the clipboard."""

from __future__ import annotations

from typing import Any

from tui.terminal.emulator import CLIPBOARD_LIMIT_BYTES
from tui.terminal.ghostty_library import ffi, lib

CELL_PIXELS = 8, 16
"""What a cell is said to measure: nobody knows better inside a terminal."""


def connect(terminal: Any, replies: bytearray, clipboard: list[str]) -> list[Any]:
    """Have a terminal answer into `replies` and ask for the clipboard in `clipboard`, where the last text stays.

    Returns:
        What has to live as long as the terminal.
    """

    @ffi.callback("GhosttyTerminalWritePtyFn")  # type: ignore[untyped-decorator]
    def reply(_terminal: Any, _data: Any, text: Any, length: int) -> None:
        replies.extend(ffi.buffer(text, length))

    @ffi.callback("GhosttyTerminalSizeFn")  # type: ignore[untyped-decorator]
    def size(_terminal: Any, _data: Any, answer: Any) -> bool:
        answer.columns, answer.rows = (
            _get(terminal, what) for what in (lib.GHOSTTY_TERMINAL_DATA_COLS, lib.GHOSTTY_TERMINAL_DATA_ROWS)
        )
        answer.cell_width, answer.cell_height = CELL_PIXELS
        return True

    @ffi.callback("GhosttyTerminalClipboardWriteFn")  # type: ignore[untyped-decorator]
    def write_clipboard(_terminal: Any, _data: Any, request: Any) -> None:
        contents = request.contents[0] if request.contents_len else None
        if contents is not None and 0 < contents.data.len <= CLIPBOARD_LIMIT_BYTES:
            clipboard[:] = [bytes(ffi.buffer(contents.data.ptr, contents.data.len)).decode("utf-8", "replace")]

    calls = {
        lib.GHOSTTY_TERMINAL_OPT_WRITE_PTY: reply,
        lib.GHOSTTY_TERMINAL_OPT_SIZE: size,
        lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_WRITE: write_clipboard,
    }
    for option, call in calls.items():
        lib.ghostty_terminal_set(terminal, option, call)
    return list(calls.values())


def _get(terminal: Any, what: int) -> int:
    found = ffi.new("uint16_t*")
    lib.ghostty_terminal_get(terminal, what, found)
    number: int = found[0]
    return number

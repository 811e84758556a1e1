"""libghostty's C functions as pyghostty declares them; importing this fails where they aren't as they are used here."""

from __future__ import annotations

import json
from typing import Any

from pyghostty._ffi import ffi, lib, union_fn

from tui.terminal.ghostty_cells import LAYOUT

__all__ = ["ffi", "lib", "owned", "place", "scroll", "sized"]

# cffi can't pass unions by value, so twins of the same layout stand for what has one (as pyghostty does for points).
ffi.cdef("typedef struct { int tag; intptr_t delta; uint64_t padding; } BoxdeckScroll;")


def owned(kind: str, new: Any, free: Any, *arguments: object) -> Any:
    """An object of the library's that is freed with its last reference.

    Args:
        kind: its C type.
        new: the function that makes it: the allocator, where it goes, and `arguments`.
        free: the function that frees it.

    Raises:
        MemoryError: there is none to be had.
    """
    made = ffi.new(f"{kind}*")
    if new(ffi.NULL, made, *arguments) != lib.GHOSTTY_SUCCESS:
        raise MemoryError(f"libghostty could not make a {kind}")
    return ffi.gc(made[0], free)


def sized(kind: str) -> Any:
    """A structure that begins with its own size."""
    made = ffi.new(f"{kind}*")
    made.size = ffi.sizeof(kind)
    return made


def scroll(terminal: Any, how: int, rows: int) -> None:
    """Move the view."""
    function = union_fn("ghostty_terminal_scroll_viewport", "void(*)(GhosttyTerminal, BoxdeckScroll)")
    function(terminal, ffi.new("BoxdeckScroll*", (how, rows, 0))[0])


def place(terminal: Any, x: int, line: int) -> Any:
    """Where a cell is, with lines counted from the oldest; valid until the terminal changes. None outside."""
    function = union_fn(
        "ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)"
    )
    point = ffi.new("GhosttyPointS*", (lib.GHOSTTY_POINT_TAG_SCREEN, (x, line, 0)))
    found = sized("GhosttyGridRef")
    return found[0] if function(terminal, point[0], found) == lib.GHOSTTY_SUCCESS else None


def _check_layout() -> None:
    types = json.loads(ffi.string(lib.ghostty_type_json()))["types"]
    bits = types["GhosttyCell"]["bits"]
    if {name: (bits[name]["lsb"], bits[name]["width"]) for name in LAYOUT} != LAYOUT:
        raise ImportError("this version of libghostty keeps its cells in another way")


_check_layout()

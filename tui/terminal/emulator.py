"""What a pane asks of a terminal emulator, so that one library can be exchanged for another.

Rows and columns count from 0, the top left cell being (0, 0). A *row* is a tuple of `Run`: stretches of text in
one style that together fill the emulator's columns exactly, wide characters counting two.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct

CLIPBOARD_LIMIT_BYTES = 48 * 1024
"""What a process may offer for the clipboard (OSC 52) at most; more is ignored."""

Colour = int | tuple[int, int, int] | None
"""An index into the 256 colours (0 to 15 are the theme's), red, green and blue, or the default."""


class CellStyle(Struct, frozen=True, kw_only=True):
    """How one cell looks (ECMA-48, 8.3.117 SGR), and where it leads; what should blink is shown steadily.

    Attributes:
        link: an address that may be followed (`links.followable`); empty for none.
    """

    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    conceal: bool = False
    strike: bool = False
    link: str = ""


PLAIN = CellStyle()


class Run(Struct, frozen=True):
    """A stretch of text in one style; `width` is the columns that it takes."""

    text: str
    width: int
    style: CellStyle = PLAIN


Row = tuple[Run, ...]


class CursorShape(str, Enum):
    """What DECSCUSR asked for."""

    BLOCK = "block"
    UNDERLINE = "underline"
    BAR = "bar"


class Cursor(Struct, frozen=True):
    """Where the next character would go on the live screen; `width` is 2 on a wide character, at its first column."""

    column: int
    row: int
    width: int = 1
    visible: bool = True
    shape: CursorShape = CursorShape.BLOCK


class MouseTracking(str, Enum):
    """Which mouse events the process wants (xterm's ctlseqs, "Mouse Tracking")."""

    OFF = "off"
    BUTTONS = "buttons"
    DRAG = "drag"
    MOTION = "motion"


class Modes(Struct, frozen=True, kw_only=True):
    """What the process has switched on, as far as it changes what a pane does."""

    alternate_screen: bool = False
    application_cursor: bool = False
    bracketed_paste: bool = False
    focus_reports: bool = False
    reverse_screen: bool = False
    frame_held: bool = False
    mouse: MouseTracking = MouseTracking.OFF
    kitty_keyboard: int = 0


class MouseAction(str, Enum):
    """What happened to a button."""

    PRESS = "press"
    RELEASE = "release"
    MOVE = "move"


class MouseReport(Struct, frozen=True, kw_only=True):
    """One mouse event in cells of the emulator; buttons are 0 left, 1 middle, 2 right, 64 wheel up, 65 wheel down."""

    column: int
    row: int
    button: int
    action: MouseAction
    shift: bool = False
    meta: bool = False
    ctrl: bool = False


class Emulator(Protocol):
    """A terminal without a window: bytes in, rows out, input encoded, replies collected.

    Args:
        columns: of its screen.
        rows: of its screen.
    """

    def __init__(self, columns: int = 80, rows: int = 24) -> None: ...

    @property
    def feeds_aside(self) -> bool:
        """Whether `feed` is worth a thread of its own: it lets others run and may be called beside them."""

    @property
    def columns(self) -> int:
        """Columns of the screen, at least 1."""

    @property
    def rows(self) -> int:
        """Rows of the screen, at least 1."""

    @property
    def title(self) -> str:
        """What the process called its window, without control characters; empty until it did."""

    @property
    def modes(self) -> Modes:
        """What is switched on now."""

    @property
    def cursor(self) -> Cursor:
        """The cursor on the live screen; not visible while the view is scrolled back."""

    @property
    def history_rows(self) -> int:
        """Rows that scrolled off the top and are kept, at the present width."""

    @property
    def view_offset(self) -> int:
        """How many rows the view sits above the live screen; 0 shows the live screen."""

    def skim(self, data: bytes) -> bool:
        """Take plain output (see `flood`), and interpret no more of it at once than what the screen shows of its end.

        Returns:
            Whether that was done; where not, nothing was taken. History begins anew, and lacks nothing that is kept
            after `catch_up`.
        """

    def catch_up(self) -> bool:
        """Make a part of what was skimmed history; whether there is more to do."""

    def feed(self, data: bytes) -> None:
        """Take output of the process; sequences and characters may be cut anywhere. Never raises."""

    def resize(self, columns: int, rows: int) -> None:
        """Change the screen's size; lines that wrapped are wrapped anew."""

    def set_colours(self, foreground: tuple[int, int, int], background: tuple[int, int, int]) -> None:
        """Say what the default colours are, for processes that ask (OSC 10 and 11) and choose theirs to match."""

    def scroll_view(self, rows: int) -> None:
        """Move the view down by so many rows (negative: into history), no further than either end."""

    def show_end(self) -> None:
        """Show the live screen."""

    def row(self, y: int) -> Row:
        """The row that the view shows at y; blank outside it."""

    def line_text(self, line: int, columns: int | None = None) -> str:
        """The text of one line, counted from the oldest row kept; the live screen's come after `history_rows`.

        Args:
            columns: only so many from the left; None for all.
        """

    def take_changed_rows(self) -> Sequence[int]:
        """Rows of the view that changed since the last call."""

    def take_replies(self) -> bytes:
        """Bytes that the process asked for (device attributes, cursor position), to be written to it."""

    def take_clipboard(self) -> str | None:
        """The last text that the process wanted in the clipboard (OSC 52) since the last call; it is told nothing."""

    def encode_key(self, key: str, character: str | None) -> bytes:
        """A key in Textual's words as the process expects it; empty for a key without meaning."""

    def encode_paste(self, text: str) -> bytes:
        """Pasted text, bracketed when the process asked for it."""

    def encode_mouse(self, report: MouseReport) -> bytes:
        """A mouse event as the process expects it; empty when it doesn't want it."""

    def encode_focus(self, focused: bool) -> bytes:
        """A change of focus; empty when the process doesn't want it."""

"""The X-ray: every call to the kernel that an action on a container took, and what each is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.errors import BoxdeckError
from engine.model.xray import KernelCall, Xray
from tui.drawing import xray_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.widgets.drawn import content_of_lines
from tui.widgets.row_list import RowList


class Calls(RowList):
    """One call a row.

    Attributes:
        calls: those of the kind that is shown.
    """

    def __init__(self) -> None:
        super().__init__(id="calls")
        self.calls: Sequence[KernelCall] = ()
        self._error = ""
        self._span = (0.0, 0.0)

    def fill(self, calls: Sequence[KernelCall], of: Xray) -> None:
        """Show others, of one recording."""
        self.calls, self._error, self._span = calls, of.error, xray_rows.span_of(of.calls)
        self.cursor = 0
        self.scroll_home(animate=False, immediate=True)
        self.show()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.calls)

    @property
    def titles(self) -> Sequence[Line]:
        """What stands in the columns."""
        return (xray_rows.titles(self.cells),)

    @property
    def absence(self) -> Line:
        """What is said of an action that asked the kernel for nothing of its own."""
        return line(
            Span(f" no calls: {'it came to none' if self._error else 'only the store was written to'}", Tone.MUTED)
        )

    def row(self, index: int, cells: int) -> Line:
        """One call."""
        return xray_rows.row(self.calls[index], self._span, cells)


class XrayScreen(ModalScreen[None]):
    """Calls in their order, and below all about the one that the cursor is on.

    Args:
        name: of what the actions were done to.
        actions: what has been recorded, the latest first.
        read: brings one of them in, by its place among those.
    """

    DEFAULT_CSS = """
    XrayScreen {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 98%; height: 96%; background: $surface; border: round $border-focus;
            border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $muted;
        }
        & #calls { background: $surface; height: 1fr; }
        & #heading { height: auto; padding-bottom: 1; }
        & #detail { height: 8; padding: 0 1; border-top: solid $border-quiet; }
    }
    """
    AUTO_FOCUS = "#calls"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "kind(1)", "kind", id="xray.next_kind", tooltip="Only calls of the next kind"),
        Binding("left,h", "kind(-1)", "kind", id="xray.previous_kind", show=False, tooltip="Of the kind before"),
        Binding("right_square_bracket", "turn(1)", "action", id="xray.older", tooltip="An earlier action"),
        Binding("left_square_bracket", "turn(-1)", "action", id="xray.newer", show=False, tooltip="A later action"),
        Binding("y", "copy", "copy", id="xray.copy", tooltip="Copy what is selected, or all that is shown"),
        Binding("escape,q,X", "dismiss", "close", id="xray.close", tooltip="Close"),
    ]

    def __init__(self, name: str, actions: Sequence[str], read: Callable[[int], Awaitable[Xray]]) -> None:
        super().__init__()
        self._name, self._actions, self._read = name, actions, read
        self._shown, self._kind = 0, xray_rows.ALL
        self._xray: Xray | None = None
        self._calls = Calls()

    def compose(self) -> ComposeResult:
        """Heading, calls, detail."""
        with Vertical() as frame:
            frame.border_title = f"x-ray of {self._name}"
            frame.border_subtitle = "←→ kind · [ ] action · y copy · esc closes"
            yield Static("reading…", id="heading")
            yield self._calls
            yield Static(id="detail")

    def on_mount(self) -> None:
        """Read the latest."""
        self.run_worker(self._open(0), exclusive=True)

    @property
    def shown(self) -> Xray | None:
        """The recording that is shown."""
        return self._xray

    async def _open(self, index: int) -> None:
        try:
            self._xray = await self._read(index)
        except BoxdeckError as error:
            self.query_one("#heading", Static).update(Content.styled(str(error), "$error"))
            return
        self._shown = index
        if self._kind not in self._kinds:
            self._kind = xray_rows.ALL
        self._fill()

    @property
    def _kinds(self) -> list[str]:
        """Those of which there are calls, in their order."""
        present = {xray_rows.ALL, *(call.kind for call in self._xray.calls)} if self._xray is not None else set()
        return [kind for kind in xray_rows.KINDS if kind in present]

    def _fill(self) -> None:
        if self._xray is not None:
            shown = [call for call in self._xray.calls if self._kind in (xray_rows.ALL, call.kind)]
            self._calls.fill(shown, self._xray)
            self._show()

    def on_resize(self) -> None:
        """Other lines fit."""
        self.call_after_refresh(self._show)

    @on(RowList.Moved)
    def _show(self) -> None:
        if self._xray is None:
            return
        self._calls.show()
        cells = max(20, self._calls.size.width)
        head = [
            xray_rows.heading(self._xray, self._actions, self._shown, cells),
            xray_rows.kind_line(self._xray, self._kind, cells),
        ]
        self.query_one("#heading", Static).update(content_of_lines(head))
        call = self._calls.calls[self._calls.cursor] if self._calls.calls else None
        self.query_one("#detail", Static).update(content_of_lines(xray_rows.detail_lines(call, self._xray, cells - 2)))

    def action_kind(self, steps: int) -> None:
        """Calls of another kind."""
        if kinds := self._kinds:
            self._kind = kinds[(kinds.index(self._kind) + steps) % len(kinds)]
            self._fill()

    def action_turn(self, steps: int) -> None:
        """Another of what has been recorded."""
        self.run_worker(self._open((self._shown + steps) % len(self._actions)), exclusive=True)

    def action_copy(self) -> None:
        """Copy what is selected with the mouse, or all calls that are shown with what they are for (OSC 52)."""
        from engine.cli.xray_lines import xray_lines  # at its first use: it costs start-up time

        selected = self.get_selected_text()
        if selected is None and self._xray is not None:
            selected = "\n".join(xray_lines(self._xray, self._calls.calls, explains=True))
            self.notify(f"copied {len(self._calls.calls)} calls")
        self.app.copy_to_clipboard(selected or "")

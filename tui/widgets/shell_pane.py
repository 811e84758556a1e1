"""A pane that shows a process on a terminal and lets a person work in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from engine.errors import BoxdeckError
from tui.terminal.choice import new_emulator
from tui.terminal.colours import sixteen_of
from tui.terminal.emulator import Emulator, MouseAction, MouseReport, MouseTracking
from tui.terminal.frames import FrameClock
from tui.terminal.look_back import LookBack, Mark, Outcome, Stretch
from tui.terminal.painter import Painter, highlighted, selection_style, with_words
from tui.terminal.pane_recording import PaneRecording
from tui.terminal.pump import Pump
from tui.terminal.session import TerminalSession
from tui.widgets.pane_keys import WISHES, Wish, key_rows

WHEEL_ROWS = 3
"""Rows that one notch of the wheel moves."""

_WHEEL_UP, _WHEEL_DOWN = 64, 65


class ShellPane(Widget, can_focus=True):
    """A process in a pane: what it writes is interpreted as xterm would, what is typed goes to it.

    While the pane has the focus, every key goes to the process but the leader (ctrl+g). After the leader,
    ``q`` leaves the pane, ``z`` makes it as large as the screen or small again, ``[`` or page up looks back
    in its output (see `LookBack` for keys there) and ``/`` searches it, ``y`` copies what is selected and ctrl+g
    types a ctrl+g. Those of `Wish` are for whoever shows several panes. Once the process has ended, enter closes the
    pane. Removing the pane closes the session.

    Args:
        session: the process; the pane closes it.
        title: for the border; otherwise what the process calls itself.
        joined: the process was there before and doesn't belong to the pane: it is asked to paint itself anew, and
            lives on when a person is done with the pane.
    """

    DEFAULT_CSS = """
    ShellPane {
        height: 1fr;
        background: $background;
        color: $foreground;
        border: round $surface-lighten-2;
        border-title-color: $foreground;
        border-subtitle-color: $text-muted;
        &:focus { border: round $accent; }
        & > .shell-pane--rest { color: $text-muted; background: $surface; }
        & > .shell-pane--key { color: $accent; background: $surface; text-style: bold; }
        & > .shell-pane--found { color: $background; background: $warning; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"shell-pane--rest", "shell-pane--key", "shell-pane--found"}
    """
    | Class | Description |
    | :- | :- |
    | `shell-pane--rest` | How much is below, while looking back. |
    | `shell-pane--key` | A key that can be pressed after the leader. |
    | `shell-pane--found` | What a search has found. |
    """
    ALLOW_SELECT = True

    LEADER: ClassVar[str] = "ctrl+g"

    title: var[str] = var("")
    """What the border says, in place of what the process calls itself."""

    exit_status: var[int | None] = var(None)
    """How the process ended; None while it runs."""

    companions: var[list[ShellPane]] = var(list)
    """Other panes that get the same keys."""

    @dataclass
    class Asked(Message):
        """Something about more than this pane was asked for."""

        pane: ShellPane
        wish: Wish

        @property
        def control(self) -> ShellPane:
            """The pane that had the focus."""
            return self.pane

    @dataclass
    class Labelled(Message):
        """What its frame says has changed."""

        pane: ShellPane

        def can_replace(self, message: Message) -> bool:
            """Once is enough."""
            return isinstance(message, ShellPane.Labelled) and message.pane is self.pane

    @dataclass
    class Left(Message):
        """The focus should go elsewhere; the process runs on."""

        pane: ShellPane

        @property
        def control(self) -> ShellPane:
            """The pane that was left."""
            return self.pane

    @dataclass
    class Ended(Message):
        """The process has ended; its last screen stays until the pane is closed."""

        pane: ShellPane
        exit_status: int

        @property
        def control(self) -> ShellPane:
            """The pane whose process ended."""
            return self.pane

    @dataclass
    class Closed(Message):
        """A person is done with a pane; it should be removed, with its process where that still runs."""

        pane: ShellPane

        @property
        def control(self) -> ShellPane:
            """The pane to remove."""
            return self.pane

    def __init__(
        self,
        session: TerminalSession,
        *,
        title: str = "",
        joined: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.session = session
        self._emulator = new_emulator()
        self._pump = Pump(session, self._emulator, self._output_arrived)
        self._painter = Painter(Style())
        self.joined = joined
        self._styled = False
        self._clock = FrameClock()
        self._paint_timer: Timer | None = None
        self._led = False
        self._back: LookBack | None = None
        self._recording = PaneRecording(self._emulator, self._not_recorded)
        self._pump.heard = self._recording.output
        self._labels = ("", "")
        self.set_reactive(ShellPane.title, title)

    # --- the process ---

    def on_mount(self) -> None:
        """Start carrying bytes."""
        self._shown_on = self.screen
        self._show_labels()
        self.run_worker(self._follow(), name="output")
        self.run_worker(self._pump.carry_input(), name="input")

    async def on_unmount(self) -> None:
        """Let go of the process."""
        self._claim_escape(False)
        self._recording.end()
        await self.session.close()

    async def _follow(self) -> None:
        await self._show_past()
        try:
            status = await self._pump.carry_output()
            words = f"exited {status}"
        except BoxdeckError as error:  # it could not be executed, or its shim was killed
            status, words = error.exit_status, str(error)
        self.exit_status = status
        self._emulator.feed(_farewell(self._emulator, f"{words} · press enter to close"))
        self._output_arrived()
        self._show_labels()
        self.post_message(self.Ended(self, status))

    async def _show_past(self) -> None:
        past = self.session.past
        if past:
            self._emulator.feed(past)
            self._emulator.take_replies()  # to questions that were answered long ago
            self._output_arrived()
        if past or self.joined:
            await self.session.resize(self._emulator.rows, self._emulator.columns + 1)  # another size: it paints anew
            self._pump.resize(self._emulator.rows, self._emulator.columns)

    def on_resize(self) -> None:
        """Fit the process's terminal to the pane."""
        columns, rows = self.size
        if columns and rows and (columns, rows) != (self._emulator.columns, self._emulator.rows):
            self._emulator.resize(columns, rows)
            self.refresh()
        if columns and rows:
            self._pump.resize(rows, columns)

    # --- painting ---

    def _output_arrived(self) -> None:
        if self._paint_timer is None:
            self._paint_when_due()

    def _paint_when_due(self) -> None:
        held = self._emulator.modes.frame_held
        wait = self._clock.wait_seconds(perf_counter(), flooded=self._pump.flooded, held=held)
        self._paint_timer = self.set_timer(wait, self._paint_when_due) if wait else None
        if not wait:
            self._paint()

    def _paint(self) -> None:
        self._clock.painted(perf_counter())
        changed = self._emulator.take_changed_rows()
        if changed:
            self.refresh(*_regions(changed, self.size))
        self._show_labels()

    def notify_style_update(self) -> None:
        """Look at the colours again before the next frame."""
        super().notify_style_update()
        self._styled = False

    def render_line(self, y: int) -> Strip:
        """One row of the screen or of the history."""
        self._take_style()
        cursor = self._emulator.cursor
        shown = self.has_focus and cursor.visible and cursor.row == y and self.exit_status is None
        strip = self._painter.strip(
            self._emulator.row(y), cursor=cursor if shown else None, reverse=self._emulator.modes.reverse_screen
        )
        span = self.text_selection.get_span(y) if self.text_selection is not None else None
        if span is not None:
            strip = highlighted(strip, span, selection_style(self.screen))
        strip = strip.crop_extend(0, self.size.width, self._painter.base)
        if self._back is not None:
            strip = self._marked(strip, self._back.stretches(y))
        if self._led and (keys := self._led_row(y)) is not None:
            return keys.apply_offsets(0, y)
        if y + 1 == self.size.height and (words := self._rest()):
            strip = with_words(strip, words, self.get_component_rich_style("shell-pane--rest"))
        return strip.apply_offsets(0, y)

    def _marked(self, strip: Strip, stretches: Iterable[Stretch]) -> Strip:
        looks = {
            Mark.FOUND: self.get_component_rich_style("shell-pane--found"),
            Mark.SELECTED: selection_style(self.screen) + Style(color=self._painter.base.color),
            Mark.CURSOR: Style(color=self._painter.base.bgcolor, bgcolor=self._painter.base.color),
        }
        for start, end, mark in stretches:
            strip = highlighted(strip, (start, end), looks[mark])
        return strip

    def _led_row(self, y: int) -> Strip | None:
        """The row of keys after the leader that lies over the lowest rows of the pane."""
        key, words = (self.get_component_rich_style(f"shell-pane--{name}") for name in ("key", "rest"))
        rows = key_rows(self.size.width, key, words)
        below = y - (self.size.height - len(rows))
        return rows[below] if below >= 0 else None

    def _rest(self) -> str:
        """What the lowest row says while the view isn't at the end."""
        back, below = self._back, self._emulator.view_offset
        if back is None:
            return f" {below:,} rows below " if below else ""
        if back.entry is not None:
            return str(back.entry)
        return f" {back.word or (f'{below:,} rows below' if below else 'looking back')} · q end "

    def _take_style(self) -> None:
        if self._styled:
            return
        self._styled = True
        look = self.rich_style, sixteen_of(self.app)
        if look != (self._painter.base, self._painter.sixteen):
            self._painter = Painter(*look)
            _, _, background, foreground = self.colors
            self._emulator.set_colours(foreground.rgb, background.rgb)

    @property
    def label(self) -> str:
        """What it is called."""
        return self.title or self._emulator.title or "shell"

    def watch_companions(self) -> None:
        """Say who else gets the keys."""
        self._show_labels()

    def _show_labels(self) -> None:
        same = f" · same keys to {len(self.companions)} more" if self.companions else ""
        labels = self.label + same, self.hint
        if labels != self._labels:  # setting them repaints the whole pane
            self._labels = labels
            self.border_title, self.border_subtitle = map(Content, labels)
            self.post_message(self.Labelled(self))

    @property
    def hint(self) -> str:
        """Which keys there are beside those that go to the process, and whether it is recorded."""
        return f"{'● recording · ' if self._recording.is_on else ''}{self._hint}"

    @property
    def _hint(self) -> str:
        if self._led:
            return "q leave · z zoom · …"
        if self._back is not None:
            return "enter search · esc back" if self._back.entry is not None else "/ search · v select · y copy · q end"
        if self.exit_status is not None:
            return "enter close"
        return f"{'attached · ' if self.joined else ''}ctrl+g leave, more"

    # --- keys ---

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self._led:
            self._lead(False)
            self._command(event)
        elif event.key == self.LEADER:
            self._lead(True)
        elif self._back is not None:
            self._press_in_past(self._back, event)
        elif self.exit_status is None:
            for pane in (self, *self.companions):
                pane.type_key(event.key, event.character)
        elif event.key == "enter":
            self.post_message(self.Closed(self))
        self._show_labels()

    async def _end(self) -> None:
        if not self.joined and self.exit_status is None:
            await self.session.hang_up()
        self.post_message(self.Closed(self))

    def type_key(self, key: str, character: str | None) -> None:
        """Press a key, in Textual's words, unless the process has ended."""
        if self.exit_status is None:
            self._type(self._emulator.encode_key(key, character))

    def _lead(self, led: bool) -> None:
        """What can be pressed now lies over the lowest rows."""
        self._led = led
        self.refresh()

    def _command(self, event: events.Key) -> None:
        """The key after the leader; any other than these is forgotten."""
        if event.key in ("q", "ctrl+q"):
            self.post_message(self.Left(self))
        elif event.key == "z":
            self._toggle_zoom()
        elif event.key in ("left_square_bracket", "pageup"):
            self._look_back(event.key)
        elif event.key == "slash":
            self._look_back("question_mark")  # what is looked for is above
        elif event.key == "y":
            self.screen.action_copy_text()
        elif event.key == self.LEADER:
            self.type_key(event.key, event.character)
        elif event.key == "r":
            self._toggle_recording()
        elif event.key == "x":
            self.run_worker(self._end(), name="end")
        elif event.key in WISHES:
            self.post_message(self.Asked(self, WISHES[event.key]))

    def on_paste(self, event: events.Paste) -> None:
        """Type what was pasted."""
        event.stop()
        for pane in (self, *self.companions):
            pane.type_text(event.text)

    def type_text(self, text: str) -> None:
        """Paste a text, unless the process has ended."""
        if self.exit_status is None:
            self._type(self._emulator.encode_paste(text))

    def _type(self, data: bytes) -> None:
        if data:
            self._to_end()
            self._pump.type(data)

    def _toggle_zoom(self) -> None:
        if self.screen.maximized is not None:
            self.screen.minimize()
        else:
            self.screen.maximize(self, container=False)

    def _toggle_recording(self) -> None:
        if (path := self._recording.end()) is not None:
            self.notify(f"Recorded: asciinema play {path}", markup=False)
        else:
            self._recording.begin(self.label)

    def _not_recorded(self, why: str) -> None:
        self.notify(why, severity="error", markup=False)
        self._show_labels()

    # --- looking back ---

    def _look_back(self, key: str) -> None:
        self._back = self._back or LookBack(self._emulator)
        self._back.press(key, None)
        self.refresh()

    def _press_in_past(self, back: LookBack, event: events.Key) -> None:
        outcome = back.press(event.key, event.character)
        if outcome is Outcome.COPIED:
            self.app.copy_to_clipboard(back.selected_text)
            self.notify("Copied.", timeout=2)
        if outcome is Outcome.STAYED:
            self.refresh()
        else:
            self._to_end()

    def _scroll(self, rows: int) -> None:
        self._emulator.scroll_view(rows)
        if self._back is not None:
            self._back.scrolled()
        self._show_labels()
        self.refresh()

    def _to_end(self) -> None:
        if self._emulator.view_offset or self._back is not None:
            self._back = None
            self._emulator.show_end()
            self._show_labels()
            self.refresh()

    # --- focus and mouse ---

    def on_focus(self) -> None:
        """Tell a process that asked for it."""
        self._claim_escape(True)
        self._pump.type(self._emulator.encode_focus(True))

    def on_blur(self) -> None:
        """Tell a process that asked for it."""
        self._claim_escape(False)
        self._lead(False)
        self._show_labels()
        self._pump.type(self._emulator.encode_focus(False))

    def _claim_escape(self, claimed: bool) -> None:
        # Textual leaves a maximised view by escape, unless the screen's instance says otherwise.
        self._shown_on.ESCAPE_TO_MINIMIZE = False if claimed else None  # type: ignore[misc]

    @property
    def allow_select(self) -> bool:
        """Text can be selected unless the process wants the mouse."""
        return not self._wants_mouse

    @property
    def _wants_mouse(self) -> bool:
        return self.exit_status is None and self._emulator.modes.mouse is not MouseTracking.OFF

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the blanks that pad its lines."""
        rows = ("".join(run.text for run in self._emulator.row(y)) for y in range(self._emulator.rows))
        return "\n".join(line.rstrip() for line in selection.extract("\n".join(rows)).split("\n")), "\n"

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Pass a button on."""
        self._mouse(event, event.button - 1, MouseAction.PRESS)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Pass a button on."""
        self._mouse(event, event.button - 1, MouseAction.RELEASE)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pass the pointer on."""
        self._mouse(event, max(0, event.button - 1), MouseAction.MOVE)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look back, or let the process scroll."""
        self._wheel(event, _WHEEL_UP)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look forward, or let the process scroll."""
        self._wheel(event, _WHEEL_DOWN)

    def _wheel(self, event: events.MouseEvent, button: int) -> None:
        event.stop()
        if self._wants_mouse:
            self._mouse(event, button, MouseAction.PRESS)
        elif self._emulator.modes.alternate_screen and self.exit_status is None:
            # less and man have nothing to scroll back to here, but move by arrow keys, as in other terminals.
            key = "up" if button == _WHEEL_UP else "down"
            self._pump.type(self._emulator.encode_key(key, None) * WHEEL_ROWS)
        else:
            self._scroll(-WHEEL_ROWS if button == _WHEEL_UP else WHEEL_ROWS)

    def _mouse(self, event: events.MouseEvent, button: int, action: MouseAction) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self._wants_mouse:
            return
        event.stop()
        report = MouseReport(
            column=offset.x,
            row=offset.y,
            button=button,
            action=action,
            shift=event.shift,
            meta=event.meta,
            ctrl=event.ctrl,
        )
        self._pump.type(self._emulator.encode_mouse(report))


def _regions(rows: Iterable[int], size: Size) -> list[Region]:
    """Neighbouring rows as one region each."""
    runs = groupby(enumerate(sorted(rows)), key=lambda pair: pair[1] - pair[0])
    bands = ([row for _, row in run] for _, run in runs)
    return [Region(0, band[0], size.width, len(band)) for band in bands]


def _farewell(emulator: Emulator, notice: str) -> bytes:
    """What writes a notice under the last screen of a process."""
    texts = ["".join(run.text for run in emulator.row(y)).rstrip() for y in range(emulator.rows)]
    last = max((y for y, text in enumerate(texts) if text), default=-1) + 1
    # Margins, origin mode and colours may still be the process's: DECSTR puts them right (VT510, 5.4.20).
    return f"\x1b[!p\x1b[?25l\x1b[{min(last, emulator.rows)};1H\r\n\x1b[0;7m {notice} \x1b[0m".encode()

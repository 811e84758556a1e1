"""A pane that shows a process on a terminal and lets a person work in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from textual import events
from textual.content import Content
from textual.reactive import var

from engine.errors import BoxdeckError
from tui.terminal.clipboard_wish import ClipboardAnswer, ClipboardWish, preview
from tui.terminal.emulator import Emulator, MouseAction, MouseReport, MouseTracking
from tui.terminal.look_back import LookBack, Outcome
from tui.terminal.pane_recording import PaneRecording
from tui.terminal.pump import Pump
from tui.terminal.session import TerminalSession
from tui.widgets import pane_messages
from tui.widgets.pane_keys import CLIPBOARD, TakesKeys, Wish, pane_keys_of
from tui.widgets.pane_rows import PaneRows

WHEEL_ROWS = 3
"""Rows that one notch of the wheel moves."""

_WHEEL_UP, _WHEEL_DOWN = 64, 65


class ShellPane(PaneRows, TakesKeys, can_focus=True):
    """A process in a pane: what it writes is interpreted as xterm would, what is typed goes to it.

    While the pane has the focus, every key goes to the process but the leader (ctrl+g, as it ships). After the leader
    come those of `tui.widgets.pane_keys`; the leader once more types itself. Keys while one looks back in the output
    are `LookBack`'s, those of `Wish` are for whoever shows several panes. Once the process has ended, enter closes the
    pane. Removing the pane closes the session.

    Args:
        session: the process; the pane closes it.
        title: for the border; otherwise what the process calls itself.
        joined: the process was there before and doesn't belong to the pane: it is asked to paint itself anew, and
            lives on when a person is done with the pane.
    """

    ALLOW_SELECT = True

    title: var[str] = var("")
    """What the border says, in place of what the process calls itself."""

    exit_status: var[int | None] = var(None)
    """How the process ended; None while it runs."""

    companions: var[list[ShellPane]] = var(list)
    """Other panes that get the same keys."""

    Asked: TypeAlias = pane_messages.Asked
    Labelled: TypeAlias = pane_messages.Labelled
    Left: TypeAlias = pane_messages.Left
    Ended: TypeAlias = pane_messages.Ended
    Closed: TypeAlias = pane_messages.Closed

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
        self._pump = Pump(session, self._emulator, self.output_arrived)
        self.joined = joined
        self._clipboard = ClipboardWish(self._copy)
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
        self.output_arrived()
        self._show_labels()
        self.post_message(self.Ended(self, status))
        await self._pump.catch_up()

    async def _show_past(self) -> None:
        past = self.session.past
        if past:
            self._emulator.feed(past)
            self._emulator.take_replies()  # to questions that were answered long ago
            self._emulator.take_clipboard()
            self.output_arrived()
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

    # --- labels ---

    def painted(self) -> None:
        """What it wants and is called may have changed."""
        text = self._emulator.take_clipboard()
        if text is not None and self._clipboard.offer(text):
            words = f"{self.label} wants to put a text into the clipboard: {self._clipboard_keys} to answer"
            self.notify(words, markup=False)
        self._show_labels()

    @property
    def flooded(self) -> bool:
        """See `PaneRows`."""
        return self._pump.flooded

    @property
    def is_live(self) -> bool:
        """See `PaneRows`."""
        return self.exit_status is None

    @property
    def has_wish(self) -> bool:
        """See `PaneRows`."""
        return self._clipboard.text is not None

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
        wish = f"copy? {self._clipboard_keys} · " if self.has_wish else ""
        return f"{'● recording · ' if self._recording.is_on else ''}{wish}{self._hint}"

    @property
    def _clipboard_keys(self) -> str:
        keys = pane_keys_of(self.app)
        return f"{keys.leader} {keys.name(CLIPBOARD)}"

    @property
    def _hint(self) -> str:
        keys = pane_keys_of(self.app)
        if self._led:
            return f"{keys.name('pane.leave')} leave · {keys.name('pane.zoom')} zoom · …"
        if self._back is not None:
            return "enter search · esc back" if self._back.entry is not None else "/ search · v select · y copy · q end"
        if self.exit_status is not None:
            return "enter close"
        return f"{'attached · ' if self.joined else ''}{keys.leader} leave, more"

    # --- keys ---

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self._led:
            self._lead(False)
            self._command(event)
        elif pane_keys_of(self.app).leads(event.key):
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
        """The key after the leader; one that nothing has is forgotten."""
        keys = pane_keys_of(self.app)
        action = keys.action(event.key)
        if keys.leads(event.key):
            self.type_key(event.key, event.character)
        elif action == "look_back":
            self._look_back(event.key)
        elif action is not None and (command := self._commands.get(action)) is not None:
            command()
        elif action is not None:
            self.post_message(self.Asked(self, Wish(action)))

    @property
    def _commands(self) -> Mapping[str, Callable[[], object]]:
        return {
            "leave": self._leave,
            "zoom": self._toggle_zoom,
            "search": partial(self._look_back, "question_mark"),  # what is looked for is above
            "copy": self.screen.action_copy_text,
            "clipboard": self._ask_about_clipboard,
            "record": self._toggle_recording,
            "end": lambda: self.run_worker(self._end(), name="end"),
        }

    def _leave(self) -> None:
        self.post_message(self.Left(self))

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

    def _ask_about_clipboard(self) -> None:
        """Ask only when a person is ready for it, so that nothing typed to the process is taken for an answer."""
        text = self._clipboard.text
        if text is None:
            self.notify("Nothing waits to be copied: programs ask with OSC 52.", markup=False)
            return

        def answered(key: str | None) -> None:
            self._clipboard.answer(ClipboardAnswer(key or ClipboardAnswer.NO), text)
            self._show_labels()

        from tui.screens.pick import Choice, Pick  # screens know widgets, not the other way round

        choices = (
            Choice(ClipboardAnswer.NO, "no"),
            Choice(ClipboardAnswer.ONCE, "copy it this once"),
            Choice(ClipboardAnswer.ALWAYS, "always, in this pane"),
        )
        self.app.push_screen(Pick(f"copy {preview(text)}?", choices, ClipboardAnswer.NO), answered)

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.notify("Copied.", timeout=2)

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
            self._copy(back.selected_text)
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
    def takes_clicks(self) -> bool:
        """See `Links`."""
        return self._wants_mouse

    @property
    def _wants_mouse(self) -> bool:
        return self.exit_status is None and self._emulator.modes.mouse is not MouseTracking.OFF

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


def _farewell(emulator: Emulator, notice: str) -> bytes:
    """What writes a notice under the last screen of a process."""
    texts = ["".join(run.text for run in emulator.row(y)).rstrip() for y in range(emulator.rows)]
    last = max((y for y, text in enumerate(texts) if text), default=-1) + 1
    # Margins, origin mode and colours may still be the process's: DECSTR puts them right (VT510, 5.4.20).
    return f"\x1b[!p\x1b[?25l\x1b[{min(last, emulator.rows)};1H\r\n\x1b[0;7m {notice} \x1b[0m".encode()

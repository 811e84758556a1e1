"""What containers write: followed or frozen, searched, filtered, laid out and saved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var

from engine.errors import BoxdeckError, InvalidRequest
from engine.model import LogLine
from tui.terminal.log_patterns import LogFilter, filter_of, pattern_of, time_of
from tui.terminal.log_shape import shaped
from tui.terminal.log_text import runs_of
from tui.terminal.prompt import Answer, Prompt
from tui.widgets.log_rows import LogRows

_SEARCH, _FILTER, _TIME, _SAVE = "search", "filter (! others)", "time", "save to"


class LogView(LogRows):
    """The log of a container, or of several: see its keys. What is typed stands in the lowest row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask_search", "search", id="log.search", tooltip="Find a regular expression, upwards"),
        Binding("n", "search(-1)", "next", id="log.next", show=False, tooltip="The next place above"),
        Binding("N", "search(1)", "previous", id="log.previous", show=False, tooltip="The next place below"),
        Binding(
            "ampersand", "ask_filter", "filter", id="log.filter", tooltip="Only lines with a pattern; !… for all others"
        ),
        Binding("space", "toggle_freeze", "freeze", id="log.freeze", tooltip="Stand still, or follow the end"),
        Binding("t", "toggle('show_times')", "times", id="log.times", tooltip="Show when each line was written"),
        Binding("w", "toggle('wrap_lines')", "wrap", id="log.wrap", tooltip="Wrap long lines or cut them"),
        Binding("J", "toggle('json')", "JSON", id="log.json", tooltip="Lay out lines that are JSON objects"),
        Binding(
            "i",
            "toggle('everybody')",
            "all",
            id="log.everybody",
            tooltip="The logs of all listed containers, interleaved",
        ),
        Binding("at", "ask_time", "time", id="log.time", tooltip="Go to a time, such as 14:05 or 10m ago"),
        Binding("ctrl+s", "ask_save", "save", id="log.save", show=False, tooltip="Write the lines to a file"),
        Binding("G", "scroll_end", "end", id="log.end", show=False, tooltip="Go to the end and follow it"),
        Binding("g", "scroll_home", "start", id="log.start", show=False, tooltip="Go to the oldest line"),
    ]

    json: var[bool] = var(False)
    """Whether JSON objects are laid out."""

    everybody: var[bool] = var(False)
    """Whether the lines of all listed containers are interleaved."""

    @dataclass
    class SourceWanted(Message):
        """Other lines are wanted: of others, or from a time on."""

        view: LogView
        since_unix_ns: int | None = None

    @dataclass
    class Relabelled(Message):
        """What the frame should say has changed."""

        view: LogView

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._prompt: Prompt | None = None
        self._filter: LogFilter | None = None
        self._word = ""

    # --- what is shown ---

    def shaped(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Lines that the filter lets through, with names and JSON laid out."""
        every = (shaped(line, json=self.json) for line in lines)
        wanted = self._filter
        return list(every) if wanted is None else [line for line in every if wanted.wants(line.data)]

    @property
    def emptiness(self) -> str:
        """Why there are no lines."""
        return f"no line of {len(self._lines):,} fits the filter" if self._filter and self._lines else super().emptiness

    @property
    def label(self) -> str:
        """What the frame should say: what differs from a log that is simply followed."""
        parts = ["all containers"] if self.everybody else []
        parts += [f"filter {self._filter} · {len(self._buffer):,} of {len(self._lines):,}"] if self._filter else []
        parts += [] if self.following else ["frozen"]
        return " · ".join(parts)

    def rest(self, below: int) -> str:
        """What is typed, or what became of it."""
        if self._prompt is not None:
            return str(self._prompt)
        return f" {self._word} · {below:,} rows below · G end " if self._word else super().rest(below)

    def watch_following(self) -> None:
        """The frame says whether the view stands still."""
        self._relabel()

    def watch_json(self) -> None:
        """Lay all lines out anew."""
        self.reshape()

    def watch_everybody(self, before: bool, after: bool) -> None:
        """Show other containers' lines, too, or no more."""
        if before != after:
            self.post_message(self.SourceWanted(self))
            self._relabel()

    def _relabel(self) -> None:
        if self.is_mounted:
            self.post_message(self.Relabelled(self))
            self.refresh()

    # --- prompts ---

    async def _on_key(self, event: events.Key) -> None:
        if self._prompt is not None:
            event.stop()
            event.prevent_default()
            answer = self._prompt.press(event.key, event.character)
            if answer is Answer.GIVEN:
                await self._take(self._prompt)
            elif answer is Answer.CANCELLED:
                self._prompt = None
            self.refresh()
        elif event.key == "escape" and self._forget():
            event.stop()
            event.prevent_default()
        elif (bound := self._bindings.key_to_bindings.get(event.key)) and bound[0].action.startswith("ask_"):
            event.stop()  # at once: what is typed next is meant for the prompt
            event.prevent_default()
            await self.run_action(bound[0].action)

    def on_blur(self) -> None:
        """Nothing is typed any more."""
        self._prompt = None
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a next place only of something that was searched for."""
        return self._sought is not None if action == "search" else True

    def _ask(self, what: str, text: str = "") -> None:
        self._prompt, self._word = Prompt(what, text), ""
        self.refresh()

    def action_ask_search(self) -> None:
        """Ask what to search for."""
        self._ask(_SEARCH)

    def action_ask_filter(self) -> None:
        """Ask which lines to show."""
        self._ask(_FILTER, str(self._filter or ""))

    def action_ask_time(self) -> None:
        """Ask when."""
        self._ask(_TIME)

    def action_ask_save(self) -> None:
        """Ask where to."""
        self._ask(_SAVE, str(Path.cwd() / "container.log"))

    async def _take(self, prompt: Prompt) -> None:
        try:
            await {_SEARCH: self._search_for, _FILTER: self._filter_by, _TIME: self._go_to, _SAVE: self._save}[
                prompt.what
            ](prompt.text)
        except BoxdeckError as error:
            prompt.problem = str(error)
        else:
            self._prompt = None

    def _forget(self) -> bool:
        """Undo search and filter; whether there was one."""
        had_any = bool(self._sought or self._filter)
        self._sought, self._word = None, ""
        if self._filter is not None:
            self._filter = None
            self.reshape()
        self._strips.clear()
        self._relabel()
        return had_any

    # --- what they lead to ---

    async def _search_for(self, text: str) -> None:
        self._sought = pattern_of(text) if text else self._sought
        self._strips.clear()
        self.action_search(-1)

    def action_search(self, step: int) -> None:
        """Go to the nearest line with what is searched for: above (-1) or below (1), and round the end."""
        if self._sought is None:
            return
        lines, height = self._buffer.lines, self.scrollable_content_region.height
        top = self._buffer.first_row + self.scroll_offset.y
        at = self._buffer.index_at(top + height // 2) if not self.following else len(lines)
        order = (
            [*range(at - 1, -1, -1), *range(len(lines) - 1, at - 1, -1)]
            if step < 0
            else [*range(at + 1, len(lines)), *range(min(at + 1, len(lines)))]
        )
        found = next((index for index in order if self._sought.search(_text(lines[index]))), None)
        self._word = "" if found is not None else "not found"
        if found is not None:
            self._show_line(found)
        self.refresh()

    def _show_line(self, index: int) -> None:
        """Bring a line into the middle, and stand still there."""
        self.following = False
        row = self._buffer.first_row_of(index) - self._buffer.first_row
        middle = self.scrollable_content_region.height // 2
        self.scroll_to(y=max(0, row - middle), animate=False, immediate=True, force=True)
        self.following = False

    async def _filter_by(self, text: str) -> None:
        self._filter = filter_of(text)
        self.reshape()
        self._relabel()

    async def _go_to(self, text: str) -> None:
        at = time_of(text)
        oldest = self._lines[0].at_unix_ns if self._lines else at
        if at < oldest:
            self.post_message(self.SourceWanted(self, at))
            return
        self.show_times = True
        lines = self._buffer.lines
        index = next((index for index, line in enumerate(lines) if line.at_unix_ns >= at), len(lines) - 1)
        if index >= 0:
            self._show_line(index)

    def begin_at_start(self) -> None:
        """Stand still at the first of the lines that are to come, and leave the source waiting behind them."""
        self.show_times = True
        self.following = False
        self.hold_source()

    def action_toggle_freeze(self) -> None:
        """Stand still, or go to the end and follow it."""
        if self.following:
            self.following = False
        else:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
            self.following = True

    async def _save(self, text: str) -> None:
        path = Path(text).expanduser()
        lines = [_text(line) for line in self._buffer.lines]
        try:
            await asyncio.to_thread(_write_new, path, lines)
        except OSError as error:
            raise InvalidRequest(f"it can't be written ({error.strerror})", "choose another path") from error
        self.notify(f"{len(lines):,} lines saved to {path}", markup=False)


def _text(line: LogLine) -> str:
    return "".join(run.text for run in runs_of(line.data))


def _write_new(path: Path, lines: list[str]) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)

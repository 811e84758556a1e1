"""The form that runs a container: everything that ``boxdeck run`` has, and the command line that does the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static

from engine.errors import BoxdeckError
from tui import run_request
from tui.limit_words import FieldError
from tui.operations import Operations, Started
from tui.pulls import Pull, PullState
from tui.run_fields import Kind, RunField, fields, sections
from tui.screens.pick import Choice, Pick
from tui.widgets.check import Check
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say, tell
from tui.widgets.proposing_field import ProposingField
from tui.widgets.pull_progress import PullProgress
from tui.widgets.section_tabs import SectionTabs

if TYPE_CHECKING:
    from tui.past_runs import PastRuns

_PULL_ROWS = 8
_CHECK_SECONDS = 0.15
"""A person who types isn't told what is wrong with every letter."""

_NETWORKS = ("bridge", "none", "host")


class _Fields(VerticalScroll, inherit_bindings=False):
    """Scrolls to the field that has the focus; page keys turn sections."""


class RunForm(ModalScreen[Started | None]):
    """Asks for image, command and all else, in sections; closes with the container that runs then.

    Args:
        operations: brings images and runs containers.
        past: what was run before.
        image: which one to run with its own command; empty for a shell from `base`.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#image"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Run nothing; stop a pull"),
        Binding("ctrl+s", "submit", "run", id="form.run", tooltip="Run it"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
        Binding("pagedown", "turn(1)", "section", id="form.next_section", priority=True, tooltip="The next section"),
        Binding("pageup", "turn(-1)", "section", id="form.previous_section", priority=True, tooltip="The one before"),
        Binding("ctrl+r", "recent", "recent", id="form.recent", tooltip="What was run before"),
        Binding("ctrl+y,y", "copy_line", "copy", id="form.copy", tooltip="Copy the command line"),
    ]

    def __init__(self, operations: Operations, past: PastRuns, image: str = "") -> None:
        super().__init__()
        self._operations, self._past = operations, past
        self._typed: dict[str, str] = {"image": image or "base", "command": "" if image else "sh", "tty": "yes"}
        self._section = 0
        self._names: dict[str, tuple[str, ...]] = {"image": ("base",), "network": _NETWORKS}
        self._pull: Pull | None = None

    # --- what is shown ---

    def compose(self) -> ComposeResult:
        """Names of sections, the fields of one, what is wrong, and the command line."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "run a container"
            dialog.border_subtitle = "enter run · pgdn section · ctrl+r recent · ctrl+y copy · esc close"
            yield SectionTabs([section.name for section in sections()])
            with _Fields(id="fields", can_focus=False):
                yield from self._rows()
            yield PullProgress()
            yield Static(id="status", markup=False)
            yield Static(id="hint", markup=False)
            yield Static(id="line", markup=False)

    def on_mount(self) -> None:
        """Begin to look for names to suggest."""
        self.query_one("#line").border_title = "the same on a command line"
        self.query_one(PullProgress).display = False
        self._follow()
        self.run_worker(self._suggest(), exit_on_error=False)

    def _rows(self) -> Iterator[Widget]:
        """The fields of the section."""
        for field in sections()[self._section].fields:
            widget = self._widget(field)
            yield from form_field(field.name, widget, field.label)
            if isinstance(widget, ProposingField):
                yield widget.proposals

    def _widget(self, field: RunField) -> Input | Select[str] | Checkbox:
        text = self._typed.get(field.name, "")
        if field.kind is Kind.SWITCH:
            return Check(field.hint, id=field.name, value=bool(text), compact=True)
        if field.kind is Kind.CHOICE:
            usual = field.choices[0]
            return Select(
                [(f"{each} · {field.hint}" if each == usual else each, each) for each in field.choices],
                id=field.name, value=text or usual, allow_blank=False, compact=True,
            )  # fmt: skip
        if field.name in self._names:
            return ProposingField(text, self._names[field.name], id=field.name, placeholder=field.hint)
        return Field(text, id=field.name, placeholder=field.hint)

    async def _suggest(self) -> None:
        names = await self._operations.image_names()
        short = [name.removesuffix(":latest") for name in names]
        self._names["image"] = tuple(dict.fromkeys(("base", *short)))
        networks = await self._operations.network_names()
        self._names["network"] = tuple(dict.fromkeys((*_NETWORKS, *networks)))
        for field in self.query(ProposingField):
            field.propose(self._names[field.id or ""])

    # --- sections ---

    def action_turn(self, steps: int) -> None:
        """Show a neighbouring section."""
        self.run_worker(self._show_section((self._section + steps) % len(sections())), group="section", exclusive=True)

    def on_section_tabs_chosen(self, message: SectionTabs.Chosen) -> None:
        """A click on its name."""
        self.run_worker(self._show_section(message.index), group="section", exclusive=True)

    async def _show_section(self, index: int) -> None:
        self._section = index
        place = self.query_one("#fields", VerticalScroll)
        async with self.batch():
            await place.remove_children()
            await place.mount_compose(self._rows())
        place.scroll_home(animate=False)
        first = place.query(".field Input, .field Select, .field Checkbox").first()
        self.set_focus(first)
        self._check()

    # --- what is typed ---

    def on_input_changed(self, event: Input.Changed) -> None:
        """Follow at once; say what is wrong a moment later."""
        self._take(event.input.id, event.value)

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Likewise."""
        self._take(event.checkbox.id, "yes" if event.value else "")

    def on_select_changed(self, event: Select.Changed) -> None:
        """Likewise; the usual choice needn't be said."""
        field = fields()[event.select.id or ""]
        self._take(field.name, "" if event.value == field.choices[0] else str(event.value))

    def _take(self, name: str | None, text: str) -> None:
        if name is not None and self._typed.get(name, "") != text:
            self._typed[name] = text
            self._follow()
            self.set_timer(_CHECK_SECONDS, self._check)

    def _follow(self) -> None:
        """Show the command line, and where something is said."""
        self.query_one("#line", Static).update(run_request.line(self._typed))
        filled = {
            index
            for index, section in enumerate(sections())
            if index and any(self._typed.get(field.name) for field in section.fields)
        }
        self.query_one(SectionTabs).show_sections(self._section, filled)

    def _check(self) -> None:
        """Say below each field what is wrong with it."""
        if not self.is_mounted or self._is_busy:
            return
        clear_errors(self)
        self._follow()
        try:
            run_request.wanted(self._typed)
        except FieldError as error:
            for mistake in run_request.mistakes(self._typed):
                tell(self, mistake)
            if error.field == "image":
                tell(self, error)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """What the command line's help says of the field."""
        field = fields().get(event.widget.id or "")
        words = f"{field.option}  {field.help}".strip() if field is not None else ""
        # Not amid the first layout, which would give it the height that it had before.
        self.call_after_refresh(self.query_one("#hint", Static).update, words)

    # --- what was run before ---

    def action_recent(self) -> None:
        """Ask which of the latest runs to fill the form with."""
        if not self._past.runs:
            self.notify("Nothing was run from here yet.")
            return
        lines = [run_request.line(typed).removeprefix("boxdeck run ") for typed in self._past.runs]
        choices = [Choice(str(index), line) for index, line in enumerate(lines)]
        self.app.push_screen(Pick("run again", choices, "", again="ctrl+r"), self._fill)

    async def _fill(self, chosen: str | None) -> None:
        if chosen is not None:
            self._typed = dict(self._past.runs[int(chosen)])
            await self._show_section(0)

    def action_copy_line(self) -> None:
        """Into the clipboard."""
        self.app.copy_to_clipboard(run_request.line(self._typed))
        self.notify("The command line is copied.", timeout=2)

    # --- running ---

    @property
    def _is_busy(self) -> bool:
        return self._pull is not None and self._pull.is_running

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Run what the form says."""
        if self._is_busy:
            return
        clear_errors(self)
        try:
            wanted = run_request.wanted(self._typed)
        except FieldError as error:
            self.run_worker(self._complain(error), group="section", exclusive=True)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
        else:
            self.run_worker(self._run(wanted), group="run", exclusive=True, exit_on_error=False)

    async def _complain(self, error: FieldError) -> None:
        """Go to the field that is wrong, in whichever section it is."""
        if not self.query(f"#{error.field}"):
            found = (index for index, each in enumerate(sections()) if error.field in {one.name for one in each.fields})
            await self._show_section(next(found, 0))
        complain(self, error)

    async def _run(self, wanted: run_request.Wanted) -> None:
        if not await self._bring(wanted):
            return
        say(self, "starting…")
        try:
            started = await self._operations.run(wanted.request)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
        else:
            self._past.add(self._typed)
            self.dismiss(started)

    async def _bring(self, wanted: run_request.Wanted) -> bool:
        """Have the image, showing how it comes; whether it is there then."""
        reference = wanted.request.image
        job = self._operations.bring(reference, wanted.pull, wanted.platform)
        pull = self._pull = Pull(reference, wanted.platform, job)
        await pull.follow(self._show_pull)
        self.query_one(PullProgress).show_pull(None, _PULL_ROWS)
        if pull.state is PullState.FAILED:
            say(self, pull.error, is_error=True)
        elif pull.state is PullState.CANCELLED:
            say(self, "cancelled; what has arrived is kept for the next time")
        return pull.state is PullState.DONE

    def _show_pull(self) -> None:
        if self._pull is None or not self._is_busy or not (self._pull.parts or self._pull.whole):
            return
        self.query_one(PullProgress).show_pull(self._pull, _PULL_ROWS)
        say(self, "esc stops it")

    def action_close(self) -> None:
        """Stop a pull; otherwise run nothing."""
        if self._pull is not None and self._is_busy:
            self._pull.cancel()
            self._show_pull()
        else:
            self.dismiss(None)

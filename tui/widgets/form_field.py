"""One line of a form: a label, a field, and below it what is wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select, Static

from tui.limit_words import FieldError


def form_field(name: str, widget: Input | Select[str] | Checkbox, label: str = "") -> ComposeResult:
    """A labelled field; errors of it are said by its name, which is the widget's id."""
    with Horizontal(classes="field"):
        yield Label(label or name, classes="label")
        yield widget
    yield Static(id=f"{name}-error", classes="error", markup=False)


def complain(form: Widget, error: FieldError) -> None:
    """Say what is wrong below the field, and go there."""
    tell(form, error)
    form.query_one(f"#{error.field}").focus()


def tell(form: Widget, error: FieldError) -> None:
    """Say what is wrong below the field, which may be out of sight."""
    for place in form.query(f"#{error.field}-error").results(Static):
        place.update(str(error))
        place.add_class("-said")


def clear_errors(form: Widget) -> None:
    """Nothing is wrong any more."""
    for place in form.query(".error").results(Static):
        place.update()
        place.remove_class("-said")
    say(form, "")


def say(form: Widget, text: str, is_error: bool = False) -> None:
    """What the form is at, or why it can't be done, in its last line."""
    status = form.query_one("#status", Static)
    status.set_class(is_error, "-error")
    status.update(text)

"""Images: a table of them, what is on its way, and the layers and files of the selected one."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import BoxdeckError
from tui.deck import Deck
from tui.drawing.image_rows import name_of
from tui.exploration import Exploration
from tui.image_operations import removal_sentence
from tui.screens.confirm import Confirm
from tui.screens.image_facts import ImageFacts
from tui.screens.live_screen import LiveScreen
from tui.screens.pull_form import PullForm
from tui.screens.tag_form import TagForm
from tui.widgets.explorer import Explorer
from tui.widgets.field import Field
from tui.widgets.images_table import ImagesTable
from tui.widgets.pull_progress import PullProgress
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from tui.image_actions import ImageActions

_FRAME_ROWS, _LEAST_ROWS = 3, 6
_CALM_SECONDS = 0.15
"""Layers are read of the image where the cursor stays, not of those that it passes."""


class ImagesScreen(LiveScreen):
    """The table above, layers and files of the selected image below."""

    HERE = "images"
    ACTS_ON_CONTAINERS = False
    CSS_PATH = "images.tcss"
    AUTO_FOCUS = "#images-table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "run_image", "run", id="images.run", tooltip="Run a container of it"),
        Binding("p", "pull", "pull", id="images.pull", tooltip="Bring one in from a registry"),
        Binding("c", "cancel_pull", "cancel", id="images.cancel", tooltip="Cancel the pull; the next continues it"),
        Binding("d", "remove_image", "remove", id="images.remove", tooltip="Remove it with its names; asks first"),
        Binding("a", "tag", "name", id="images.tag", tooltip="Give it a further name"),
        Binding("i", "inspect", "inspect", id="images.inspect", tooltip="What its config says, and how it came to be"),
        Binding(
            "X",
            "app.xray_of('image')",
            "x-ray",
            id="images.xray",
            show=False,
            tooltip="What its last actions asked of the kernel",
        ),
        Binding("enter", "explore", "layers", id="images.explore", tooltip="Go to its layers, and on to the files"),
        Binding("slash", "filter", "filter", id="images.filter", tooltip="List only what contains a text"),
        Binding("o", "reorder", "order", id="images.order", show=False, tooltip="By age, name, size, or who uses it"),
        Binding(
            "plus", "maximise", "maximise", id="images.maximise", show=False, tooltip="Layers as large as the screen"
        ),
        Binding("escape", "back", "back", id="images.back", tooltip="Leave a panel, a filter, the screen"),
    ]

    def __init__(self, deck: Deck, actions: ImageActions) -> None:
        super().__init__(deck)
        self._actions, self._images, self._operations = actions, actions.images, actions.image_operations
        self._table = ImagesTable(self._images, id="images-table")
        self._explorer = Explorer(id="explorer")
        self._progress = PullProgress(id="pull")
        self._shown: Exploration | None = None
        self._calm: Timer | None = None
        self._title = Content()
        self._height = 0

    def compose_parts(self) -> ComposeResult:
        """Table, progress, explorer."""
        with Vertical(id="images"):
            yield self._table
            yield Field(id="images-filter", placeholder="a name, or the beginning of an id", select_on_focus=False)
            yield self._progress
        yield self._explorer

    def on_mount(self) -> None:
        """Begin with what is selected."""
        field = self.query_one("#images-filter", Input)
        field.value, field.display = self._images.filter_text, bool(self._images.filter_text)
        self.paint_all()

    # --- painting ---

    def paint(self) -> None:
        """Everything that is in sight."""
        self._images.look(self.deck.containers or ())
        self._table.show()
        self._progress.show_pull(self._images.pulls.latest, max(3, self.size.height // 4))
        self._fit()
        self._follow()
        self._entitle()

    def _fit(self) -> None:
        """As high as the list is long, but not much more than a third of the screen."""
        beside = len(self._progress.lines) + int(self.query_one("#images-filter").display)
        most = self.size.height * 2 // 5 if beside else self.size.height // 3
        wanted = max(_LEAST_ROWS + beside, min(most, len(self._images.listed) + _FRAME_ROWS + beside))
        if wanted != self._height:
            self._height = wanted
            self.query_one("#images").styles.height = wanted

    def _follow(self) -> None:
        """Show the layers of the selected image: at once if they are known, otherwise when the cursor stays."""
        image = self._images.selected
        if image is None or self._shown is None or self._images.explored(image.id) is not None:
            self._settle()
        elif self._calm is None:
            self._calm = self.set_timer(_CALM_SECONDS, self._settle)

    def _settle(self) -> None:
        self._calm = None
        image = self._images.selected
        self._explore(self._images.exploration(image.id) if image is not None else None)

    def _explore(self, exploration: Exploration | None) -> None:
        if self._shown is not None and self._shown is not exploration:
            self._shown.cancel()
        self._shown = exploration
        self._explorer.show(exploration)

    def _entitle(self) -> None:
        listed, every = len(self._images.listed), len(self._images.images or ())
        count = f"{listed} of {every}" if self._images.filter_text else f"{every}"
        order = f" · {self._images.order.value} ▾"
        title = Content.assemble(("images ", "bold $foreground"), (count + order, "$muted"))
        if not title.is_same(self._title):
            self._title = self.query_one("#images").border_title = title

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs an image, or a pull."""
        if action == "cancel_pull":
            return self._images.pulls.latest is not None
        if action in ("run_image", "remove_image", "tag", "inspect", "explore"):
            return True if self._images.selected is not None else None
        return True

    # --- moving ---

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Another image."""
        self.paint_all()
        self.refresh_bindings()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A second click goes to the layers."""
        self.action_explore()

    def action_select(self, rows: int) -> None:
        """Move the selection, wherever the focus is."""
        self._table.action_move(rows)

    def action_explore(self) -> None:
        """From images to layers, and from layers to files."""
        if self._table.has_focus:
            self._explorer.focus_layers()
        else:
            self._explorer.focus_files()

    def action_maximise(self) -> None:
        """The layers alone, and back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self._explorer, container=False)
            self._explorer.focus_files()

    async def action_back(self) -> None:
        """One step back: a maximised panel, a filter, the focus, the screen."""
        if self.maximized is not None:
            self.minimize()
        elif self._explorer.has_focus_within:
            if not self._explorer.end_filter():
                self._table.focus()
        elif self.query_one("#images-filter").display:
            self._end_filter("")
        else:
            await self.app.run_action("app.go('containers')")

    def action_reorder(self) -> None:
        """Another order of the list."""
        self._images.order = self._images.order.next
        self.paint_all()

    # --- filter ---

    def action_filter(self) -> None:
        """Ask for a text."""
        field = self.query_one("#images-filter", Input)
        field.display = True
        self.set_focus(field)  # at once: what is typed next is meant for it

    @on(Input.Changed, "#images-filter")
    def _narrow(self, event: Input.Changed) -> None:
        self._images.filter_text = event.value
        self.paint_all()

    @on(Input.Submitted, "#images-filter")
    def _keep_filter(self, event: Input.Submitted) -> None:
        self._end_filter(event.value)

    def _end_filter(self, text: str) -> None:
        field = self.query_one("#images-filter", Input)
        field.value = text
        field.display = bool(text)
        self._table.focus()

    # --- what keys do ---

    def action_run_image(self) -> None:
        """Ask how to run it."""
        if image := self._images.selected:
            self._actions.run_form(image.references[0] if image.references else image.id)

    @work
    async def action_pull(self) -> None:
        """Ask what to pull; what was cancelled or has failed is suggested."""
        latest = self._images.pulls.latest
        suggested = latest if latest is not None and not latest.is_running else None
        form = PullForm(suggested.reference if suggested else "", suggested.platform or "" if suggested else "")
        wanted = await self.app.push_screen_wait(form)
        if wanted is not None:
            self._images.pulls.begin(wanted.reference, wanted.platform)
            self.refresh_bindings()
            self.paint_all()

    def action_cancel_pull(self) -> None:
        """Stop the pull; of one that has ended, speak no more."""
        pulls = self._images.pulls
        if pulls.is_running:
            pulls.cancel()
        else:
            pulls.forget()
        self.refresh_bindings()
        self.paint_all()

    @work
    async def action_remove_image(self) -> None:
        """Remove the selected image, if that is really meant."""
        image = self._images.selected
        if image is None:
            return
        users = self._images.users(image)
        sentence = removal_sentence(image, users, self._images.shared_layers(image))
        verb = "take the name away" if users else "remove it"
        if await self.app.push_screen_wait(Confirm(f"remove {name_of(image)}", sentence, verb)):
            await self._guard(self._operations.remove(image))

    @work
    async def action_tag(self) -> None:
        """Ask for a further name."""
        image = self._images.selected
        if image is not None:
            await self.app.push_screen_wait(TagForm(name_of(image), partial(self._operations.tag, image)))
            self._images.expire()
            self.paint_all()

    def action_inspect(self) -> None:
        """What its config says."""
        if image := self._images.selected:
            self.app.push_screen(ImageFacts(image, self._images.users(image), partial(self._operations.history, image)))

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BoxdeckError as error:
            self._actions.complain(error)
        self._images.expire()
        self.paint_all()

"""The command palette: what keys do, every object, and themes, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from tui.drawing.image_rows import name_of
from tui.key_names import key_name
from tui.keys import BINDINGS

if TYPE_CHECKING:
    from tui.app import BoxdeckApp


_TWICE = ("app.commands", "app.quit_too", "view.topology_by_number", "view.namespaces_by_number", "view.host_by_number")
"""Ids of bindings that aren't listed: the list itself, and further keys for what is there already."""


_ON_IMAGES = ("images.run", "images.remove", "images.tag", "images.inspect")
"""Ids of bindings that do something to the selected image."""


class Command(NamedTuple):
    """One entry: its name, what it does in a sentence, what to call, and the key that does the same."""

    name: str
    help: str
    call: IgnoreReturnCallbackType
    key: str = ""

    def entitled(self, name: Content) -> Content:
        """Its name, with the key behind it."""
        return Content.assemble(name, ("  " + self.key, "$accent")) if self.key else name


class Commands(Provider):
    """Offers every action that can be done now, and every theme."""

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(command.entitled(Content(command.name)), command.call, command.name, command.help)

    async def search(self, query: str) -> Hits:
        """The commands that resemble what was typed."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.name)
            if score > 0:
                title = command.entitled(matcher.highlight(command.name))
                yield Hit(score, title, command.call, command.name, command.help)

    def _commands(self) -> Iterator[Command]:
        """What can be done to what is in sight first."""
        app: BoxdeckApp = self.app  # type: ignore[assignment]  # this provider serves no other app
        parts = [self._of_the_app(app), self._of_the_screen(app)]
        for part in parts if app.check_action("logs", ()) is not False else reversed(parts):
            yield from part
        for theme in app.theming.names:
            yield Command(f"theme {theme}", "Colours of the app", partial(app.theming.wear, theme))

    def _of_the_app(self, app: BoxdeckApp) -> Iterator[Command]:
        """What keys do on every screen."""
        in_force = {each.binding.id: key for key, each in reversed(self.screen.active_bindings.items())}
        for binding in BINDINGS:
            if isinstance(binding, Binding) and binding.id not in _TWICE:
                action = binding.action
                if app.check_action(action.partition("(")[0], ()):
                    key = key_name(in_force.get(binding.id, ""))
                    yield Command(_name(app, binding), binding.tooltip, partial(app.run_action, action), key)

    def _of_the_screen(self, app: BoxdeckApp) -> Iterator[Command]:
        """What keys do on this screen alone."""
        for key, (node, binding, enabled, _) in self.screen.active_bindings.items():
            if node is not app and enabled and binding.show and binding.tooltip:
                call = partial(app.run_action, binding.action, node)
                yield Command(_name(app, binding), binding.tooltip, call, key_name(key))


def _name(app: BoxdeckApp, binding: Binding) -> str:
    """What it does, and to which container or image."""
    container, image = app.deck.selected, app.images.selected
    if binding.id in _ON_IMAGES and image is not None:
        return f"{binding.description} {name_of(image)}"
    if (binding.id or "").startswith("container.") and binding.action != "run" and container is not None:
        return f"{binding.description} {container.name}"
    return binding.description

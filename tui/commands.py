"""The command palette: what keys do, every object, and themes, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.types import IgnoreReturnCallbackType

from tui import keymaps
from tui.drawing import units
from tui.drawing.image_rows import name_of
from tui.drawing.lines import printable
from tui.key_names import key_name
from tui.keys import BINDINGS
from tui.objects import Objects

if TYPE_CHECKING:
    from tui.app import BoxdeckApp


_TWICE = ("app.commands", "app.quit_too", "view.namespaces_by_number", "view.host_by_number")
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
    """Offers every action that can be done now, every object, and every theme."""

    def __init__(self, screen: Screen[Any], match_style: Style | None = None) -> None:
        super().__init__(screen, match_style)
        self._objects = Objects()

    async def startup(self) -> None:
        """Read what there is, while nothing is typed yet."""
        self._objects = await self._app.objects.all()

    @property
    def _app(self) -> BoxdeckApp:
        app: BoxdeckApp = self.app  # type: ignore[assignment]  # this provider serves no other app
        return app

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
        app = self._app
        parts = [self._of_the_app(app), self._of_the_screen(app)]
        for part in parts if app.check_action("logs", ()) is not False else reversed(parts):
            yield from part
        yield from self._of_objects(app)
        for preset in keymaps.presets():
            call = partial(app.settings.wear_keys, preset)
            yield Command(f"keys {preset}", f"Keys for hands that know {preset}", call)
        for theme in app.theming.names:
            yield Command(f"theme {theme}", "Colours of the app", partial(app.theming.wear, theme))

    def _of_objects(self, app: BoxdeckApp) -> Iterator[Command]:
        """Going to each."""
        for container in self._objects.containers:
            words = f"Go to it; {container.state.value}, from {container.request.image}"
            yield Command(f"container {container.name}", printable(words), partial(app.go_to_container, container.id))
        for image in self._objects.images:
            words = f"Go to it; {units.size(image.size_bytes)}"
            yield Command(f"image {name_of(image)}", words, partial(app.go_to_image, image))
        for volume in self._objects.volumes:
            call = partial(app.go_to_volume, volume.name)
            yield Command(f"volume {printable(volume.name)}", "Go to it, and to who uses it", call)
        for network in self._objects.networks:
            words = "Go to it, and to who is on it"
            yield Command(f"network {printable(network.name)}", words, partial(app.go_to_network, network.name))

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

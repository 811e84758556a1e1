"""What an empty machine shows: how to begin."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Middle
from textual.content import Content
from textual.widgets import Static

from tui.key_names import key_name

_WORDS = """\
[bold]No containers yet[/]

press [bold $accent]$run[/], then [bold $accent]enter[/]

[$muted]The first one is a shell from the image [/]base[$muted],
which is assembled from this machine's own tools:
nothing is downloaded, no network is needed.[/]

[$muted]Later [$accent]$shell[/] opens a shell in it, [$accent]$stop[/] stops it, [$accent]$help[/] shows all keys[/]"""


_KEYS = {"run": "container.run", "shell": "container.shell", "stop": "container.stop", "help": "app.help"}


class EmptyCard(Middle):
    """A card in the middle of an empty screen."""

    DEFAULT_CSS = """
    EmptyCard {
        width: 1fr;
        height: 1fr;
        align: center middle;
        & > Static {
            width: 66;
            max-width: 96%;
            height: auto;
            padding: 1 3;
            border: round $border-quiet;
            text-align: center;
        }
    }
    """

    def compose(self) -> ComposeResult:
        """The card."""
        yield Static()

    def on_show(self) -> None:
        """The keys may be others by now."""
        in_force = {each.binding.id: key_name(key) for key, each in self.screen.active_bindings.items()}
        keys = {name: in_force.get(id, "") for name, id in _KEYS.items()}
        self.query_one(Static).update(Content.from_markup(_WORDS, **keys))

"""What an empty machine shows: how to begin."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Middle
from textual.content import Content
from textual.widgets import Static

_WORDS = """\
[bold]No containers yet[/]

press [bold $accent]n[/], then [bold $accent]enter[/]

[$muted]The first one is a shell from the image [/]base[$muted],
which is assembled from this machine's own tools:
nothing is downloaded, no network is needed.[/]

[$muted]Later [$accent]e[/] opens a shell in it, [$accent]s[/] stops it, [$accent]?[/] shows all keys[/]"""


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
        yield Static(Content.from_markup(_WORDS))

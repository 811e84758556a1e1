"""What panes say; handlers are called after `ShellPane`, as in ``on_shell_pane_left``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.widgets.pane_keys import Wish

if TYPE_CHECKING:
    from tui.widgets.shell_pane import ShellPane


@dataclass
class PaneMessage(Message, namespace="shell_pane"):
    """Something about one pane."""

    pane: ShellPane

    @property
    def control(self) -> ShellPane:
        """The pane."""
        return self.pane


@dataclass
class Asked(PaneMessage, namespace="shell_pane"):
    """Something about more than this pane was asked for."""

    wish: Wish


@dataclass
class Labelled(PaneMessage, namespace="shell_pane"):
    """What its frame says has changed."""

    def can_replace(self, message: Message) -> bool:
        """Once is enough."""
        return isinstance(message, Labelled) and message.pane is self.pane


@dataclass
class Left(PaneMessage, namespace="shell_pane"):
    """The focus should go elsewhere; the process runs on."""


@dataclass
class Ended(PaneMessage, namespace="shell_pane"):
    """The process has ended; its last screen stays until the pane is closed."""

    exit_status: int


@dataclass
class Closed(PaneMessage, namespace="shell_pane"):
    """A person is done with a pane; it should be removed, with its process where that still runs."""

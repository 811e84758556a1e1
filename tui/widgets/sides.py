"""Sides of the selected container that are made when they are looked at first: the first frame shows none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.deck import Deck

if TYPE_CHECKING:
    from tui.widgets.graphs import Graphs
    from tui.widgets.namespace_tree import NamespacePanel
    from tui.widgets.processes import Processes
    from tui.widgets.topology import TopologyPanel

    Side = Graphs | Processes | NamespacePanel | TopologyPanel


def make(name: str, deck: Deck) -> Side:
    """Make the side of that name: graphs, processes, namespaces or topology."""
    if name == "graphs":
        from tui.widgets.graphs import Graphs

        return Graphs(deck, classes="side side-graphs")
    if name == "processes":
        from tui.widgets.processes import Processes

        return Processes(classes="side side-processes")
    if name == "namespaces":
        from tui.widgets.namespace_tree import NamespacePanel

        return NamespacePanel()
    from tui.widgets.topology import TopologyPanel

    return TopologyPanel()


def import_all() -> None:
    """What all sides take, before somebody waits for one."""
    import tui.widgets.graphs
    import tui.widgets.log_view
    import tui.widgets.namespace_tree
    import tui.widgets.processes
    import tui.widgets.shells
    import tui.widgets.topology  # noqa: F401

"""Every view with all that has a key in it, and which keys do two things at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import combinations
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from engine.config.app_side import Doubt, KeyInForce
from engine.config.model import PRESET, Config
from tui import keymaps, keys
from tui.key_names import key_name
from tui.widgets import pane_keys


class View(NamedTuple):
    """Where keys are pressed.

    Attributes:
        name: for people.
        nodes: whose keys are in force: the innermost, which go first, to the app's.
        acts_on_containers: whether the app's keys for the selected container are among them.
    """

    name: str
    nodes: tuple[tuple[Binding, ...], ...]
    acts_on_containers: bool = True


_LIVE = (
    ("containers", "containers.ContainersScreen", "containers_table.ContainersTable"),
    ("logs", "containers.ContainersScreen", "log_view.LogView"),
    ("images", "images.ImagesScreen", "images_table.ImagesTable"),
    ("layers", "images.ImagesScreen", "layer_list.LayerList", "explorer.Explorer"),
    ("files of an image", "images.ImagesScreen", "file_tree.FileTree", "explorer.Explorer"),
    ("files", "files.FilesScreen", "file_tree.FileTree", "explorer.Explorer"),
    ("networks", "networks.NetworksScreen", "networks_table.NetworksTable"),
    ("map", "networks.NetworksScreen", "topology.TopologyPanel"),
    ("topology", "topology.TopologyScreen", "topology.TopologyPanel"),
    ("volumes", "volumes.VolumesScreen", "volumes_table.VolumesTable"),
    ("namespaces", "namespaces.NamespacesScreen"),
    ("host", "host.HostScreen", "group_tree.GroupTree"),
)
"""Full screens with the widgets that have the focus there: the innermost first, by module and class."""

_DIALOGS = (
    ("the form to run", "run_form.RunForm"),
    ("the form for a name", "tag_form.TagForm"),
    ("the form to pull", "pull_form.PullForm"),
    ("questions", "confirm.Confirm"),
    ("choices", "pick.Pick"),
    ("columns", "columns.Columns"),
    ("actions", "actions.Actions", "row_list.RowList"),
    ("the document", "document.Document"),
    ("the x-ray", "xray.XrayScreen", "row_list.RowList"),
    ("facts of an image", "image_facts.ImageFacts"),
    ("facts of a link", "link_facts.LinkFacts"),
    ("namespaces side by side", "namespace_comparison.NamespaceComparison"),
    ("help", "help.Help"),
    ("the check", "checkup.Checkup"),
    ("the machine", "preflight.Preflight"),
    ("the log of commands", "command_log.CommandLogScreen", "row_list.RowList"),
)
"""Likewise what lies over them; the app's keys aren't in force there."""


def views() -> Iterator[View]:
    """All of them; imports every screen."""
    app = _bindings(keys.BINDINGS)
    yield View("a shell, after its leader", (_bindings(pane_keys.BINDINGS), (keys.LEADER,)))
    for name, screen, *widgets in _LIVE:
        here = _class(f"screens.{screen}")
        yield View(name, (*_inner(widgets), _of(here), app), getattr(here, "ACTS_ON_CONTAINERS", True))
    for name, dialog, *widgets in _DIALOGS:
        yield View(name, (*_inner(widgets), _of(_class(f"screens.{dialog}"))))


def _inner(widgets: Iterable[str]) -> Iterator[tuple[Binding, ...]]:
    return (_of(_class(f"widgets.{widget}")) for widget in widgets)


def _class(path: str) -> type[DOMNode]:
    module, _, name = path.rpartition(".")
    found: type[DOMNode] = getattr(import_module(f"tui.{module}"), name)
    return found


def _bindings(declared: object) -> tuple[Binding, ...]:
    return tuple(Binding.make_bindings(declared))  # type: ignore[arg-type]  # BINDINGS as Textual declares them


def _of(node: type[DOMNode]) -> tuple[Binding, ...]:
    """A class's keys with those that it inherits."""
    return tuple(binding for _, binding in node._merge_bindings() if binding.id)


def everything() -> dict[str, Binding]:
    """What has a key, by id, in the views' order; of several keys for one id the first."""
    found: dict[str, Binding] = {}
    for view in views():
        for node in reversed(view.nodes):
            for binding in node:
                if binding.id:
                    found.setdefault(binding.id, binding)
    return found


def list_keys(config: Config) -> Iterator[KeyInForce]:
    """All ids with the keys in force."""
    keymap, shipped = keymaps.keymap_of(config.keys), _default_keys()
    for id, binding in everything().items():
        in_force = tuple(keymap[id].split(",")) if id in keymap else shipped[id]
        origin = "config.toml" if id in config.keys else f"preset {config.keys.get(PRESET)}"
        yield KeyInForce(id, tuple(map(key_name, in_force)), binding.tooltip, origin if id in keymap else "default")


def _default_keys() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for view in views():
        for node in view.nodes:
            for binding in node:
                found.setdefault(binding.id or "", {})[binding.key] = None
    return {id: tuple(each) for id, each in found.items()}


def doubts(config: Config) -> list[Doubt]:
    """All that is odd about ``[keys]``; nothing is imported while it says nothing."""
    if not config.keys:
        return []
    keymap = keymaps.keymap_of(config.keys)
    found = [*keymaps.doubts(config.keys, everything()), *conflicts(keymap)]
    return [Doubt(_place(each, config), each.cause, each.remedy) for each in found]


def _place(doubt: Doubt, config: Config) -> tuple[str, ...]:
    """The line that says so: for what only a preset says, the one that names it."""
    return doubt.path if doubt.path[-1] in config.keys else ("keys", PRESET)


def conflicts(keymap: Mapping[str, str]) -> Iterator[Doubt]:
    """Keys that would do two things in one view where they don't as shipped."""
    said: set[frozenset[str]] = set()
    for view in views():
        for first, second, key in _clashes(view, keymap):
            pair = frozenset({first, second})
            if pair not in said:
                said.add(pair)
                path = ("keys", second if second in keymap else first)
                words = f"in {view.name}, {key_name(key)} is both {first} and {second}"
                yield Doubt(path, words, f"give one of them another key; {first} has it now")


def _clashes(view: View, keymap: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Pairs of ids, the one that wins first, with their key."""
    shipped = list(_placed(view, {}))
    intended = {(one.id, other.id) for one, other in combinations(shipped, 2) if one.key == other.key}
    for one, other in combinations(_placed(view, keymap), 2):
        if one.key == other.key and one.id != other.id and (one.id, other.id) not in intended:
            yield one.id or "", other.id or "", one.key


def _placed(view: View, keymap: Mapping[str, str]) -> Iterator[Binding]:
    """All keys of a view; within one node those that were set go before those that weren't, as in Textual."""
    for node in view.nodes:
        usable = [each for each in node if each.id and (view.acts_on_containers or not _acts_on_containers(each))]
        for binding in sorted(usable, key=lambda each: each.id not in keymap):
            for key in keymap[binding.id or ""].split(",") if binding.id in keymap else [binding.key]:
                yield binding.with_key(key)


def _acts_on_containers(binding: Binding) -> bool:
    return binding.action in keys.ON_CONTAINERS

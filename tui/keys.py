"""Keys that work on every screen, with what each does in a sentence."""

from __future__ import annotations

from textual.binding import Binding, BindingType


def _numbered(key: str, view: str, tooltip: str) -> list[BindingType]:
    """A further key of a view."""
    return [Binding(key, f"show_view('{view}')", view, id=f"view.{view}_by_number", show=False, tooltip=tooltip)]


LEADER = Binding("ctrl+g", "leader", "shell keys", id="app.leader", show=False, tooltip="In a shell: leads to its keys")
"""What a pane doesn't give to its process, but waits after it for a key of its own."""

BINDINGS: list[BindingType] = [
    Binding("n", "run", "run", id="container.run", tooltip="Run a new container"),
    Binding("e", "shell", "shell", id="container.shell", tooltip="A shell in it, beside the list"),
    Binding(
        "E",
        "full_shell",
        "full shell",
        id="container.full_shell",
        show=False,
        tooltip="A shell in it, as large as the screen",
    ),
    Binding(
        "ctrl+e",
        "shell_beside",
        "shell beside",
        id="container.shell_beside",
        show=False,
        tooltip="A shell in it beside those looked at last",
    ),
    Binding(
        "a", "attach", "attach", id="container.attach", show=False, tooltip="Its own terminal, to look at and type into"
    ),
    Binding("l", "logs", "logs", id="container.logs", tooltip="What it writes; once more: its keys"),
    Binding("u", "update", "limits", id="container.update", tooltip="Change its limits, at once if it runs"),
    Binding("s", "stop", "stop", id="container.stop", tooltip="Stop it; after ten seconds it is killed"),
    Binding("S", "start", "start", id="container.start", tooltip="Start it again"),
    Binding("r", "restart", "restart", id="container.restart", tooltip="Stop and start it"),
    Binding("p", "pause", "pause", id="container.pause", tooltip="Freeze all its processes, or let them go on"),
    Binding("K", "kill", "kill", id="container.kill", show=False, tooltip="End its processes at once; asks first"),
    Binding("d", "remove", "remove", id="container.remove", tooltip="Remove it with all it wrote; asks first"),
    Binding("f", "files", "files", id="container.files", tooltip="Its files, and the layer of each"),
    Binding("i", "inspect", "inspect", id="container.inspect", show=False, tooltip="All that is known of it, as JSON"),
    Binding("X", "xray", "x-ray", id="container.xray", show=False, tooltip="What its last actions asked of the kernel"),
    Binding("c", "copy", "copy", id="container.copy", show=False, tooltip="Copy files into it, or out of it"),
    Binding("P", "ports", "ports", id="container.ports", show=False, tooltip="Publish ports of it, or withdraw them"),
    Binding("R", "rename", "rename", id="container.rename", show=False, tooltip="Give it another name"),
    Binding("1", "show_view('containers')", "containers", id="view.containers", show=False, tooltip="The containers"),
    Binding("2", "show_view('images')", "images", id="view.images", tooltip="Images, with their layers and files"),
    Binding("t", "go('topology')", "topology", id="view.topology", tooltip="How containers are wired, full screen"),
    Binding("N", "go('namespaces')", "namespaces", id="view.namespaces", tooltip="All namespaces, full screen"),
    Binding(
        "3",
        "show_view('networks')",
        "networks",
        id="view.networks",
        show=False,
        tooltip="Networks, who is on them, and the map",
    ),
    Binding(
        "4", "show_view('volumes')", "volumes", id="view.volumes", show=False, tooltip="Volumes, and who uses them"
    ),
    *_numbered("5", "namespaces", "All namespaces, full screen"),
    Binding("H", "go('host')", "host", id="view.host", tooltip="The machine, its control groups and events"),
    *_numbered("6", "host", "The machine, its control groups and events"),
    Binding("D", "preflight", "doctor", id="app.preflight", show=False, tooltip="What this machine lacks"),
    Binding("L", "command_log", "log", id="app.log", show=False, tooltip="What the app did, and all about what failed"),
    Binding("T", "next_theme", "theme", id="app.theme", show=False, tooltip="The next theme"),
    Binding("x", "actions", "actions", id="app.actions", tooltip="All that can be done to what is selected"),
    Binding("y", "copy_name", "copy", id="app.copy", show=False, tooltip="Copy the selected text, or the name"),
    Binding(
        "colon,ctrl+p",
        "command_palette",
        "commands",
        id="app.commands",
        show=False,
        tooltip="Every command and every object, by name",
    ),
    Binding("question_mark", "help", "keys", id="app.help", tooltip="This list"),
    Binding("q", "quit", "quit", id="app.quit", tooltip="Leave; containers keep running"),
    LEADER,
    Binding("ctrl+c", "quit", "quit", id="app.quit_too", show=False, tooltip="Leave; containers keep running"),
]

NEEDS_RUNNING = frozenset({"attach", "full_shell", "kill", "pause", "shell", "shell_beside", "stop", "visit"})
"""Actions on a container that runs."""

NEEDS_ENDED = frozenset({"start"})
"""Actions on a container that doesn't run."""

NEEDS_ANY = frozenset({"copy", "files", "inspect", "logs", "ports", "restart", "remove", "rename", "update", "xray"})
"""Actions on any container."""

ON_CONTAINERS = NEEDS_RUNNING | NEEDS_ENDED | NEEDS_ANY
"""Actions on the selected container, whichever state it is in."""

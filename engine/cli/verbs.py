"""All verbs, by name: the module of this package that has them, as a constant with the verb's name in capitals."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from engine.cli.command import Command


class Verb(NamedTuple):
    """Where a verb is, and what it does in a few words."""

    module: str
    summary: str


def load(name: str) -> Command[Any]:
    """A verb, whose module is imported only now."""
    command: Command[Any] = getattr(import_module(f"engine.cli.{VERBS[name].module}"), name.upper())
    return command


VERBS = {
    "run": Verb("run", "create a container and run a command in it"),
    "create": Verb("run", "create a container without starting it"),
    "start": Verb("containers", "start containers that aren't running"),
    "stop": Verb("containers", "ask containers to end, and kill those that don't"),
    "kill": Verb("containers", "send containers a signal"),
    "restart": Verb("containers", "stop containers and start them again"),
    "pause": Verb("containers", "freeze all processes of containers"),
    "unpause": Verb("containers", "let paused containers go on"),
    "update": Verb("update", "change the limits of containers, at once where they run"),
    "rename": Verb("rename", "give a container another name"),
    "rm": Verb("containers", "remove containers and all that they wrote"),
    "wait": Verb("containers", "wait for containers to end and print their exit statuses"),
    "ps": Verb("listing", "list containers"),
    "exec": Verb("streams", "run a further command in a running container"),
    "debug": Verb("debug", "open a shell beside a container that has none"),
    "attach": Verb("streams", "connect to the streams of a running container"),
    "logs": Verb("logs", "show what a container wrote"),
    "cp": Verb("cp", "copy files into a container, out of it, or from one to another"),
    "commit": Verb("layers", "make an image of what a container has changed"),
    "diff": Verb("layers", "show what a container has changed against its image"),
    "port": Verb("port", "show a container's published ports, and add or withdraw some"),
    "stats": Verb("stats", "show what containers use"),
    "top": Verb("top", "show the processes inside a container"),
    "cgroup": Verb("cgroup", "show the tree of control groups with limits and use"),
    "xray": Verb("xray", "show every call to the kernel that an action took"),
    "events": Verb("events", "show what happens to containers and all else, as it happens"),
    "inspect": Verb("inspect", "show everything about containers and images as JSON"),
    "images": Verb("images", "list images"),
    "pull": Verb("images", "bring in images from registries"),
    "push": Verb("image_moves", "send an image to a registry"),
    "tag": Verb("image_moves", "give an image a further name"),
    "history": Verb("image_moves", "show how an image came to be"),
    "save": Verb("image_moves", "write images as an archive"),
    "export": Verb("image_moves", "write the files of a container as an archive"),
    "load": Verb("images", "bring in images from an OCI layout or a docker archive"),
    "import": Verb("images", "make an image from a tar of a root file system"),
    "rmi": Verb("images", "remove images"),
    "container": Verb("container", "everything that can be done with containers"),
    "image": Verb("image", "all that can be done with images, and the layers that files come from"),
    "volume": Verb("volume", "make, list and remove volumes, whose files outlive containers"),
    "search": Verb("registry", "look for images on a registry"),
    "tags": Verb("registry", "list the tags that a registry has of an image"),
    "login": Verb("registry", "log in to a registry"),
    "logout": Verb("registry", "forget how to log in to a registry"),
    "ns": Verb("namespaces", "list namespaces, and run commands in fresh ones or in those of others"),
    "network": Verb("network", "make networks, and put containers on them and take them off"),
    "info": Verb("system", "show what Boxdeck stands on"),
    "doctor": Verb("doctor", "tell what this machine lacks, and the commands that mend it"),
    "version": Verb("version", "show the version"),
    "config": Verb("config", "show and check your settings, and list the app's keys"),
    "completion": Verb("completion", "make bash, zsh or fish complete our command lines"),
    "system": Verb("system", "disk use, pruning and reset"),
}

"""All verbs, by name: the module of this package that has them, as a constant with the verb's name in capitals."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """Where a verb is, and what it does in a few words."""

    module: str
    summary: str


VERBS = {
    "run": Verb("run", "create a container and run a command in it"),
    "create": Verb("run", "create a container without starting it"),
    "start": Verb("containers", "start containers that aren't running"),
    "stop": Verb("containers", "ask containers to end, and kill those that don't"),
    "kill": Verb("containers", "send containers a signal"),
    "restart": Verb("containers", "stop containers and start them again"),
    "rm": Verb("containers", "remove containers and all that they wrote"),
    "wait": Verb("containers", "wait for containers to end and print their exit statuses"),
    "ps": Verb("listing", "list containers"),
    "exec": Verb("streams", "run a further command in a running container"),
    "attach": Verb("streams", "connect to the streams of a running container"),
    "logs": Verb("logs", "show what a container wrote"),
    "stats": Verb("stats", "show what containers use"),
    "inspect": Verb("inspect", "show everything about containers and images as JSON"),
    "images": Verb("images", "list images"),
    "load": Verb("images", "bring in images from an OCI layout or a docker archive"),
    "import": Verb("images", "make an image from a tar of a root file system"),
    "rmi": Verb("images", "remove images"),
    "info": Verb("system", "show what Boxdeck stands on"),
    "version": Verb("version", "show the version"),
    "system": Verb("system", "reset: remove all containers, images and state"),
}

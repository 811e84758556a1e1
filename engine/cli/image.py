"""``boxdeck image VERB``: everything that can be done with images under one word, as docker and podman have it."""

from __future__ import annotations

from engine.cli.command import NounVerb
from engine.cli.noun import noun

_VERBS = {
    "ls": NounVerb("images", "IMAGES", "list images"),
    "pull": NounVerb("images", "PULL", "bring in images from registries"),
    "push": NounVerb("image_moves", "PUSH", "send an image to a registry"),
    "tag": NounVerb("image_moves", "TAG", "give an image a further name"),
    "rm": NounVerb("images", "RMI", "remove images"),
    "prune": NounVerb("image_prune", "PRUNE", "remove the images that nobody needs"),
    "inspect": NounVerb("inspect", "IMAGE_INSPECT", "show everything about images as JSON"),
    "history": NounVerb("image_moves", "HISTORY", "show how an image came to be"),
    "layers": NounVerb("layers", "LAYERS", "show the layers, with what each adds, changes, removes and wastes"),
    "tree": NounVerb("layers", "TREE", "show files, and the layer that each comes from"),
    "which": NounVerb("layers", "WHICH", "show the layer that a file comes from, and those that it hides"),
    "waste": NounVerb("image_waste", "WASTE", "show the files that lower layers hold and nobody sees"),
    "load": NounVerb("images", "LOAD", "bring in images from an OCI layout or a docker archive"),
    "save": NounVerb("image_moves", "SAVE", "write images as an archive"),
    "import": NounVerb("images", "IMPORT", "make an image from a tar of a root file system"),
}

IMAGE = noun("image", _VERBS)

"""Which containers are listed: words and terms such as ``state:running -label:tier=test``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.model import Container

HINT = "text · state: image: label: name: network: · -term leaves out"
"""What may be typed, for an empty field."""


class Term(NamedTuple):
    """One condition.

    Attributes:
        key: one of `KEYS`; empty for a text anywhere in name, image or id.
        values: any of them will do, in lower case.
        is_negated: what passes is left out.
    """

    key: str
    values: tuple[str, ...]
    is_negated: bool = False

    def passes(self, container: Container) -> bool:
        """Whether a container is listed, as far as this term goes."""
        found = _TESTS[self.key]
        return any(found(container, value) for value in self.values) is not self.is_negated


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter, between blanks; what is only begun, such as ``state:``, is none yet."""
    return tuple(term for word in _split(text) if (term := _term(word)).values)


def passing(containers: Iterable[Container], text: str) -> tuple[Container, ...]:
    """The containers that pass every term."""
    terms = parse(text)
    return tuple(each for each in containers if all(term.passes(each) for term in terms))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that isn't closed yet
        return text.split()


def _term(word: str) -> Term:
    is_negated = word[:1] in ("-", "!")
    bare = word[1:] if is_negated else word
    key, colon, value = bare.partition(":")
    key = key.casefold()
    if not colon or key not in KEYS:
        return Term("", (bare.casefold(),) if bare else (), is_negated)
    return Term(key, tuple(each.casefold() for each in value.split(",") if each), is_negated)


def _has_text(container: Container, text: str) -> bool:
    return (
        text in container.name.casefold() or text in container.request.image.casefold() or container.id.startswith(text)
    )


def _is_in_state(container: Container, text: str) -> bool:
    health = container.health.state if container.health is not None else ""
    return container.state.value.startswith(text) or health.startswith(text)


def _has_label(container: Container, text: str) -> bool:
    """By ``KEY``, or by ``KEY=VALUE``; of each the beginning will do."""
    key, is_valued, value = text.partition("=")
    labels = {name.casefold(): held.casefold() for name, held in container.request.labels.items()}
    if is_valued:
        return labels.get(key, "").startswith(value) if key in labels else False
    return any(name.startswith(key) for name in labels)


def _is_on_network(container: Container, text: str) -> bool:
    return any(text in name.casefold() for name in networks(container))


def networks(container: Container) -> tuple[str, ...]:
    """Names of its networks; of one that doesn't run, the one that was asked for."""
    return tuple(endpoint.network for endpoint in container.endpoints) or (container.request.network,)


_TESTS: dict[str, Callable[[Container, str], bool]] = {
    "": _has_text,
    "state": _is_in_state,
    "image": lambda each, text: text in each.request.image.casefold(),
    "label": _has_label,
    "name": lambda each, text: text in each.name.casefold(),
    "network": _is_on_network,
}
KEYS = frozenset(key for key in _TESTS if key)
"""What may stand before a colon."""

"""``--filter KEY=VALUE`` of ``network ls``, as in docker: values of one key are choices, keys are conditions."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from engine.cli.network_documents import DRIVER
from engine.model import Network
from engine.network.networks import DEFAULT_NETWORK

_KEYS = ("id", "name", "label", "driver", "scope", "type", "dangling")
_CHOICES = {"type": ("custom", "builtin"), "dangling": ("true", "false")}


class NetworkFilter(NamedTuple):
    """One of ``--filter``."""

    key: str
    value: str

    def passes(self, network: Network, used: Collection[str]) -> bool:
        """Whether a network is what was asked for.

        Args:
            used: names of the networks that containers are on.
        """
        if self.key == "label":
            key, is_exact, value = self.value.partition("=")
            return key in network.labels and (not is_exact or network.labels[key] == value)
        facts = {
            "id": self.value in network.id,
            "name": self.value in network.name,
            "driver": self.value == DRIVER,
            "scope": self.value == "local",
            "type": self.value == ("builtin" if network.name == DEFAULT_NETWORK else "custom"),
            "dangling": (self.value == "true") is (network.name not in used and network.name != DEFAULT_NETWORK),
        }
        return facts[self.key]


def network_filter(text: str) -> NetworkFilter:
    """A filter of ``network ls``."""
    key, _, value = text.partition("=")
    if key not in _KEYS or not value:
        raise ArgumentTypeError(f"{text!r} is not {'=…, '.join(_KEYS)}=…")
    if value not in _CHOICES.get(key, (value,)):
        raise ArgumentTypeError(f"{text!r} is not {' or '.join(f'{key}={choice}' for choice in _CHOICES[key])}")
    return NetworkFilter(key, value)


def passing(networks: Iterable[Network], filters: Sequence[NetworkFilter], used: Collection[str]) -> list[Network]:
    """The networks that pass; each label is a condition of its own."""
    labels = [each for each in filters if each.key == "label"]
    others = [each for each in filters if each.key != "label"]
    keys = dict.fromkeys(each.key for each in others)
    return [
        network
        for network in networks
        if all(each.passes(network, used) for each in labels)
        and all(any(each.passes(network, used) for each in others if each.key == key) for key in keys)
    ]

"""Looking for repositories by a word: docker's index (``/v1/search``), or a registry's own list (``/v2/_catalog``).

Neither is part of the OCI distribution specification: the first is Docker Hub's and those registries' that imitate it,
the second that of distribution (its HTTP API V2, "Listing Repositories").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Struct

from engine.config.model import RegistrySettings
from engine.errors import InvalidRequest, RegistryError
from engine.oci.reference import DEFAULT_REGISTRY
from engine.printable import printable
from engine.registry.registry import Registry, open_registry
from engine.registry.transport import NONSENSE, read_body

INDEX: Final = "index.docker.io"
MOST: Final = 100  # what docker's index gives at once
_CATALOG_SCOPE: Final = "registry:catalog:*"
_MOST_PAGES: Final = 100
_LONGEST_ANSWER: Final = 4 << 20


class SearchResult(Struct, frozen=True, kw_only=True):
    """A repository that was found.

    Attributes:
        name: as one pulls it, such as ``alpine`` or ``localhost:5000/app``.
        stars: from how many people; 0 where registries don't know of such.
        is_official: whether Docker's own people care for it.
    """

    name: str
    description: str = ""
    stars: int = 0
    is_official: bool = False


class _Hit(Struct):
    name: str
    description: str | None = None
    star_count: int | None = None
    is_official: bool | None = None


class _Hits(Struct):
    results: tuple[_Hit, ...]


class _Catalog(Struct):
    repositories: tuple[str, ...] | None = None


def search(registry: str, word: str, limit: int, settings: RegistrySettings) -> tuple[SearchResult, ...]:
    """The repositories of a registry that have to do with a word, in its order.

    Args:
        word: may be empty where the registry lists all that it has.
        limit: how many at most.

    Raises:
        InvalidRequest: the word is empty, and the registry is Docker Hub.
        RegistryError: the registry can't be reached, refuses, or has no search.
    """
    if registry == DEFAULT_REGISTRY:
        if not word:
            raise InvalidRequest("a search on Docker Hub needs a word", "give one, such as: boxdeck search alpine")
        with Registry(INDEX, settings, None) as index:
            return _from_index(index, "", word, limit) or ()
    with open_registry(registry, settings) as opened:
        found = _from_index(opened, f"{registry}/", word, limit) if word else None
        return _from_catalog(opened, word, limit) if found is None else found


def _from_index(registry: Registry, prefix: str, word: str, limit: int) -> tuple[SearchResult, ...] | None:
    """What docker's index says; None from a registry that has none."""
    asked = urlencode({"q": word, "n": min(limit, MOST)})
    with registry.request("GET", f"/v1/search?{asked}", "", refused_too=True) as response:
        if response.status_code != 200:
            if prefix:
                return None
            raise registry.complaint(response, "no answer to a search")
        data = _bounded(response, registry.host)
    try:
        hits = msgspec.json.decode(data, type=_Hits).results[:limit]
    except NONSENSE as error:
        if prefix:  # such as a page for people
            return None
        raise RegistryError(f"{registry.host} answers a search with nonsense ({error})", "try again later") from error
    return tuple(
        SearchResult(
            name=printable(prefix + hit.name),
            description=printable(" ".join((hit.description or "").split())),
            stars=hit.star_count or 0,
            is_official=bool(hit.is_official),
        )
        for hit in hits
    )


def _from_catalog(registry: Registry, word: str, limit: int) -> tuple[SearchResult, ...]:
    found: list[SearchResult] = []
    for name in _catalog(registry):
        if word.lower() in name.lower():
            found.append(SearchResult(name=printable(f"{registry.host}/{name}")))
        if len(found) == limit:
            break
    return tuple(found)


def _catalog(registry: Registry) -> Iterator[str]:
    target = "/v2/_catalog?n=1000"
    for _ in range(_MOST_PAGES):
        with registry.request("GET", target, _CATALOG_SCOPE, refused_too=True) as response:
            if response.status_code != 200:
                raise RegistryError(
                    f"{registry.host} offers no search", f"ask for what you know: boxdeck tags {registry.host}/NAME"
                )
            data = _bounded(response, registry.host)
            following = response.links.get("next", {}).get("url", "")
            address = str(response.url.join(following)) if following else ""
        try:
            yield from msgspec.json.decode(data, type=_Catalog).repositories or ()
        except NONSENSE as error:
            raise RegistryError(f"{registry.host} answers with nonsense ({error})", "check its name") from error
        if not address:
            return
        target = registry.same_host(address)


def _bounded(response: httpx.Response, host: str) -> bytes:
    data = read_body(response, _LONGEST_ANSWER, host)
    if len(data) > _LONGEST_ANSWER:
        raise RegistryError(f"{host} answers a search without end", "give a longer word")
    return data

"""What people ask of registries beside images: to be let in, to be forgotten, to list tags."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from engine.oci.reference import DEFAULT_REGISTRY, parse_reference

if TYPE_CHECKING:
    from engine.registry.credentials import Credentials
    from engine.registry.search import SearchResult


class Registries:
    """Part of the engine's face. Nothing is imported before it is needed."""

    async def login(self, registry: str, user: str, password: str) -> Path:
        """See whether a registry knows somebody, and remember it for pulls; where it is kept.

        Raises:
            InvalidRequest: the registry's name is malformed.
            RegistryError: it can't be reached, or doesn't know them.
        """
        from engine.registry import credentials

        host, given = host_of(registry), credentials.Credentials(user, password)
        await asyncio.to_thread(_check, host, given)
        credentials.store(host, given)
        return credentials.own_file()

    async def logout(self, registry: str) -> bool:
        """Forget who to be at a registry; whether anything was known.

        Raises:
            InvalidRequest: the registry's name is malformed.
        """
        from engine.registry import credentials

        return credentials.store(host_of(registry), None)

    async def search(self, term: str, limit: int = 25) -> tuple[SearchResult, ...]:
        """Repositories that have to do with a term: a word for Docker Hub, ``localhost:5000/word`` for others.

        Args:
            limit: how many at most.

        Raises:
            InvalidRequest: the term is malformed.
            RegistryError: the registry can't be reached, refuses, or offers no search.
        """
        from engine.config.reading import registry_settings
        from engine.registry.search import search

        registry, word = _registry_and_word(term)
        return await asyncio.to_thread(search, registry, word, limit, registry_settings())

    async def tags(self, repository: str) -> tuple[str, ...]:
        """The tags of a repository, such as ``alpine`` or ``localhost:5000/app``, in its registry's order.

        Raises:
            InvalidRequest: the name is malformed.
            NotFound: there is no such repository.
            RegistryError: the registry can't be reached, or refuses.
        """
        return await asyncio.to_thread(_tags, repository)


def host_of(registry: str) -> str:
    """A registry's name as references have it, whatever people write around it.

    Raises:
        InvalidRequest: it is none.
    """
    host = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    return parse_reference(f"{host}/library/image").registry if host != DEFAULT_REGISTRY else host


def _registry_and_word(term: str) -> tuple[str, str]:
    """As in references, what is before the first slash is a registry if it looks like one."""
    first, slash, rest = term.partition("/")
    is_registry = bool(slash) and (first == "localhost" or "." in first or ":" in first)
    return (host_of(first), rest) if is_registry else (DEFAULT_REGISTRY, term)


def _check(host: str, given: Credentials) -> None:
    from engine.config.reading import registry_settings
    from engine.registry.registry import Registry

    with Registry(host, registry_settings(), given) as registry:
        registry.check()


def _tags(repository: str) -> tuple[str, ...]:
    from engine.config.reading import registry_settings
    from engine.registry.registry import open_registry

    reference = parse_reference(repository)
    with open_registry(reference.registry, registry_settings(), reference.repository) as registry:
        return registry.tags(reference.repository)

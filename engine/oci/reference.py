"""Image references: ``[registry/]repository[:tag][@digest]``, with docker's short forms.

The grammar is that of github.com/distribution/reference, whose familiar form we store and show.
"""

from __future__ import annotations

import re

from msgspec import Struct

from engine.errors import InvalidRequest

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
OFFICIAL = "library/"
MAXIMUM_NAME_LENGTH = 255

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}")


class Reference(Struct, frozen=True, kw_only=True):
    """A parsed reference.

    Attributes:
        registry: host with optional port, such as ``docker.io`` or ``localhost:5000``.
        repository: the path on it, such as ``library/debian``.
        tag: None when only a digest was given.
        digest: of a manifest; None when none was given.
    """

    registry: str
    repository: str
    tag: str | None = DEFAULT_TAG
    digest: str | None = None

    @property
    def familiar_name(self) -> str:
        """Registry and repository without docker's defaults: ``debian``, ``quay.io/app``."""
        if self.registry != DEFAULT_REGISTRY:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix(OFFICIAL)

    @property
    def familiar(self) -> str:
        """The form that people type and lists show: ``debian:12``."""
        return self.familiar_name + self._suffix

    @property
    def canonical(self) -> str:
        """The form with everything spelt out: ``docker.io/library/debian:12``."""
        return f"{self.registry}/{self.repository}{self._suffix}"

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{tag}@{self.digest}" if self.digest else tag


def parse_reference(text: str) -> Reference:
    """Parse a reference and fill in docker's defaults (``docker.io``, ``library/``, ``latest``).

    Raises:
        InvalidRequest: it breaks the grammar; the cause says where.
    """
    named, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _invalid(text, f"{digest!r} is no digest")
    name, tag = _split_tag(named)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(text, f"the tag {tag!r} may hold letters, digits, '_', '.' and '-' only, at most 128 of them")
    registry, repository = _split_registry(name)
    _check_name(text, registry, repository)
    return Reference(
        registry=registry,
        repository=repository,
        tag=tag if tag is not None else (None if digest else DEFAULT_TAG),
        digest=digest or None,
    )


def _split_tag(named: str) -> tuple[str, str | None]:
    """Cut the tag off; a colon before the last slash belongs to the registry's port."""
    head, colon, tail = named.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (named, None)


def _split_registry(name: str) -> tuple[str, str]:
    """Tell the registry from the repository as docker does: by a dot, a colon, a capital or ``localhost``."""
    first, slash, rest = name.partition("/")
    is_registry = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    registry, repository = (first, rest) if is_registry else (DEFAULT_REGISTRY, name)
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = OFFICIAL + repository
    return registry, repository


def _check_name(text: str, registry: str, repository: str) -> None:
    if not repository.removeprefix(OFFICIAL):
        raise _invalid(text, "it has no name")
    if not _REGISTRY.fullmatch(registry):
        raise _invalid(text, f"{registry!r} is no host name")
    if repository != repository.lower():
        raise _invalid(text, "names are in lower case")
    if not _REPOSITORY.fullmatch(repository):
        raise _invalid(text, "a name holds lower-case letters and digits, joined by '.', '_', '-' or '/'")
    if len(registry) + 1 + len(repository) > MAXIMUM_NAME_LENGTH:
        raise _invalid(text, f"a name has at most {MAXIMUM_NAME_LENGTH} characters")


def _invalid(text: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"invalid image reference {text[:200]!r}: {reason}", "write it like name:tag")

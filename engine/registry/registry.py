"""One registry, in the words of the OCI distribution specification 1.1: manifests, blobs and tags, read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec
from msgspec import Struct

from engine.config.model import RegistrySettings
from engine.errors import ImageError, NotFound, RegistryError
from engine.images.limits import too_much
from engine.oci.digest import digest_of
from engine.oci.image_spec import INDEX_TYPES, MANIFEST_TYPES
from engine.oci.reference import DEFAULT_REGISTRY
from engine.printable import printable
from engine.registry import challenge, credentials
from engine.registry.authorization import Authorization, denied
from engine.registry.transport import NONSENSE, Pause, Transport, read_body

_DOCKER_HUB: Final = "registry-1.docker.io"
_ACCEPT: Final = ", ".join(sorted(INDEX_TYPES | MANIFEST_TYPES))
_MOST_PAGES: Final = 1000
_LONGEST_COMPLAINT: Final = 1 << 16

Body = bytes | Callable[[], Iterator[bytes]] | None


class Fetched(Struct, frozen=True):
    """A manifest or index as the registry has it: its bytes, their digest, and the type that it says they have."""

    data: bytes
    digest: str
    media_type: str


class _Tags(Struct):
    tags: tuple[str, ...] | None = None


class _Complaint(Struct):
    code: str = ""
    message: str = ""


class _Complaints(Struct):
    errors: tuple[_Complaint, ...] = ()


class Registry:
    """A connection to one registry. Blocks; threads may share it. To be used in a ``with`` statement.

    Args:
        host: as references have it, such as ``docker.io`` or ``localhost:5000``.
        known: who to be there; None for anybody.
        pause: sleeps between tries; raises to give up.
    """

    def __init__(
        self, host: str, settings: RegistrySettings, known: credentials.Credentials | None, pause: Pause | None = None
    ) -> None:
        self.host = host
        address = _DOCKER_HUB if host == DEFAULT_REGISTRY else host
        insecure = host in settings.insecure
        self._transport = Transport(address, insecure, pause) if pause else Transport(address, insecure)
        self._authorization = Authorization(self._transport, known)
        self._is_known = known is not None
        self._most_bytes = settings.limits.document_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def hang_up(self) -> None:
        """Let threads that wait for the registry know that nothing comes; may be called from any thread."""
        self._transport.hang_up()

    def check(self) -> None:
        """See whether the registry lets us in (distribution spec, "Determining Support").

        Raises:
            RegistryError: it doesn't, or isn't one.
        """
        with self.request("GET", "/v2/", "") as response:
            if response.status_code != 200:
                raise self.complaint(response, "it isn't a registry")

    def manifest(self, repository: str, reference: str) -> Fetched:
        """A manifest or index by tag or digest, whose digest is checked.

        Raises:
            NotFound: there is none.
            RegistryError: the registry can't be reached, or refuses.
            ImageError: what it sends is too large, or isn't what was asked for.
        """
        target = f"/v2/{repository}/manifests/{reference}"
        with self.request("GET", target, pull_scope(repository), {"Accept": _ACCEPT}) as response:
            if response.status_code == 404:
                place = repository if self.host == DEFAULT_REGISTRY else f"{self.host}/{repository}"
                raise NotFound(
                    f"{self.host} has no image {repository}:{reference}", f"see its tags: boxdeck tags {place}"
                )
            if response.status_code != 200:
                raise self.complaint(response, "no manifest")
            data = self._document(response, "the manifest")
            media_type = response.headers.get("content-type", "").partition(";")[0].strip()
        digest = digest_of(data)
        if ":" in reference and reference != digest:
            raise ImageError(f"{self.host} sent something else for {reference[:19]}…", "try again, or another registry")
        return Fetched(data, digest, media_type)

    @contextmanager
    def blob(self, repository: str, digest: str, start: int = 0) -> Iterator[httpx.Response]:
        """A blob from a byte on; status 206 says that it begins there, 200 that it begins at 0 all the same.

        Raises:
            NotFound: there is none.
            RegistryError: the registry can't be reached, or refuses.
        """
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with self.request("GET", f"/v2/{repository}/blobs/{digest}", pull_scope(repository), headers) as response:
            if response.status_code == 404:
                raise NotFound(f"{self.host} has lost a part of the image ({digest[:19]}…)", "ask its operator")
            if response.status_code not in (200, 206):
                raise self.complaint(response, "no blob")
            yield response

    def tags(self, repository: str) -> tuple[str, ...]:
        """All tags of a repository (distribution spec, "Listing Tags"), as the registry sorts them.

        Raises:
            NotFound: there is no such repository.
            RegistryError: the registry can't be reached, or refuses.
        """
        found: list[str] = []
        target = f"/v2/{repository}/tags/list?n=1000"
        for _ in range(_MOST_PAGES):
            with self.request("GET", target, pull_scope(repository)) as response:
                if response.status_code == 404:
                    raise NotFound(f"{self.host} has no repository {repository}", "check its name")
                if response.status_code != 200:
                    raise self.complaint(response, "no tags")
                data = self._document(response, "the list of tags")
                following = response.links.get("next", {}).get("url", "")
            found += _decoded(data, _Tags, self.host).tags or ()
            if not following:
                return tuple(found)
            target = str(httpx.URL(f"https://{self.host}{target}").join(following).raw_path, "ascii")
        raise RegistryError(f"{self.host} has no end of tags for {repository}", "ask its operator")

    @contextmanager
    def request(
        self,
        method: str,
        target: str,
        scope: str,
        headers: Mapping[str, str] | None = None,
        content: Body = None,
        refused_too: bool = False,
    ) -> Iterator[httpx.Response]:
        """A request, made again with a proof of who we are when the registry asks for one.

        Args:
            refused_too: whether 401 and 403 are answers like others where no proof helps.

        Raises:
            RegistryError: the registry can't be reached, or doesn't let us in.
        """
        for _ in range(3):
            proof = self._authorization.header(scope)
            with self._transport.send(method, target, {**(headers or {}), **proof}, content) as response:
                asked = challenge.parse(response.headers.get_list("www-authenticate"))
                if response.status_code not in (401, 403) or (refused_too and not asked):
                    yield response
                    return
            if asked is None or not self._authorization.answer(asked, scope, proof.get("Authorization", "")):
                break
        raise denied(self.host, self._is_known)

    def same_host(self, address: str) -> str:
        """An address that the registry gave us to go on at, if it is its own.

        Raises:
            RegistryError: it is another's, who would see our credentials.
        """
        url = httpx.URL(address)
        if url.netloc.decode() != self._transport.host:
            raise RegistryError(f"{self.host} sends us to {printable(address)[:100]}", "ask its operator")
        return str(url.raw_path, "ascii")

    def _document(self, response: httpx.Response, what: str) -> bytes:
        data = read_body(response, self._most_bytes, self.host)
        if len(data) > self._most_bytes:
            raise too_much(f"{what} is larger than {self._most_bytes} bytes", "document_bytes")
        return data

    def complaint(self, response: httpx.Response, what: str) -> RegistryError:
        """What the registry gives as its reason, in one line."""
        text = read_body(response, _LONGEST_COMPLAINT, self.host)
        try:
            errors = msgspec.json.decode(text, type=_Complaints).errors
        except NONSENSE:
            errors = ()
        reason = "; ".join(f"{error.code} {error.message}".strip() for error in errors) or response.reason_phrase
        return RegistryError(
            f"{self.host} gives {what}: {response.status_code} {printable(reason)[:200]}", "try again later"
        )


def open_registry(host: str, settings: RegistrySettings, repository: str = "", pause: Pause | None = None) -> Registry:
    """A registry with the credentials that this machine has for it.

    Raises:
        InvalidRequest, RegistryError: as `credentials.find`.
    """
    return Registry(host, settings, credentials.find(host, repository), pause)


def pull_scope(repository: str) -> str:
    """What a token for reading is asked for."""
    return f"repository:{repository}:pull"


def push_scope(repository: str) -> str:
    """What a token for reading and writing is asked for."""
    return f"repository:{repository}:pull,push"


def _decoded(data: bytes, kind: type[_Tags], host: str) -> _Tags:
    try:
        return msgspec.json.decode(data, type=kind)
    except NONSENSE as error:
        raise RegistryError(f"{host} answers with nonsense ({error})", "check its name") from error

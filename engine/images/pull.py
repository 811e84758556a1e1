"""Pulling: from a reference to an image whose content is on disk. Blocks; to be run in a thread.

Blobs come in parallel, layers are unpacked while they arrive, and what is here already isn't asked for. A layer counts
only when both its blob's digest and its own are right.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from contextvars import copy_context
from typing import Final

import msgspec
from msgspec import Struct

from engine.config.model import RegistrySettings
from engine.config.reading import registry_settings
from engine.errors import ImageError, NotFound, RegistryError
from engine.images import platforms
from engine.images.arrival import Arrival
from engine.images.download import download, fetch, offer
from engine.images.install import Installed, check_documents, finish, require_size, unpack_layer
from engine.images.layer_store import LayerStore
from engine.images.limits import too_much
from engine.images.monitor import Advance, Monitor, Stopped
from engine.images.side_by_side import results
from engine.images.unpacker import Unpacker
from engine.oci.digest import digest_of
from engine.oci.image_spec import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    ConfigDocument,
    Descriptor,
    Index,
    Manifest,
    Platform,
    decode,
)
from engine.oci.reference import Reference
from engine.paths import Paths
from engine.registry.registry import Fetched, Registry, open_registry
from engine.store.blobs import Blobs

_FETCHED_AT_ONCE: Final = 4
_UNPACKED_AT_ONCE: Final = min(4, 1 + (os.cpu_count() or 1))  # one more: each waits for the disk at its end


def pull(
    paths: Paths, reference: Reference, wanted: Platform | None, unpacker: Unpacker, monitor: Monitor
) -> Installed:
    """Bring in an image from its registry, or from the first mirror that has it.

    Args:
        wanted: the platform; None for this machine's.
        unpacker: where its layers are unpacked.

    Raises:
        NotFound: the registry has no such image.
        RegistryError: it can't be reached, or refuses.
        ImageError: the image is damaged, hostile, or made for other machines.
        StoreError: the disk can't be written.
    """
    settings = registry_settings()
    for mirror in settings.mirrors.get(reference.registry, ()):
        try:
            return _pull_from(mirror, paths, reference, wanted, settings, unpacker, monitor)
        except (RegistryError, NotFound):
            continue
    return _pull_from(reference.registry, paths, reference, wanted, settings, unpacker, monitor)


def _pull_from(
    host: str,
    paths: Paths,
    reference: Reference,
    wanted: Platform | None,
    settings: RegistrySettings,
    unpacker: Unpacker,
    monitor: Monitor,
) -> Installed:
    with (
        monitor.attempt() as attempt,
        open_registry(host, settings, reference.repository, attempt.nap) as registry,
        attempt.woken_by(registry.hang_up),
    ):
        return _Pull(paths, registry, reference.repository, wanted, unpacker, attempt).run(
            reference.digest or reference.tag or ""
        )


class _Pull:
    def __init__(
        self,
        paths: Paths,
        registry: Registry,
        repository: str,
        wanted: Platform | None,
        unpacker: Unpacker,
        monitor: Monitor,
    ) -> None:
        self._paths = paths
        self._blobs = Blobs(paths)
        self._layers = LayerStore(paths, unpacker)
        self._registry = registry
        self._repository = repository
        self._wanted = wanted or platforms.here()
        self._monitor = monitor

    def run(self, reference: str) -> Installed:
        """Find the manifest, then bring in what it names."""
        self._monitor.step(f"Asking {self._registry.host}")
        fetched = self._manifest(self._registry.manifest(self._repository, reference))
        manifest = decode(fetched.data, Manifest, "the image's manifest")
        config = self._config(manifest.config)
        document = decode(config, ConfigDocument, "the image's config")
        diff_ids = check_documents(manifest, document, self._wanted)
        sizes = self._bring_in(manifest.layers, diff_ids, (fetched.data, config))
        return finish(fetched.digest, manifest, document, sum(sizes))

    def _manifest(self, fetched: Fetched) -> Fetched:
        """The manifest itself, whether a tag names it or an index that lists it for several platforms."""
        kind = _kind(fetched)
        if kind in MANIFEST_TYPES:
            return fetched
        index = decode(fetched.data, Index, "the image's index")
        chosen = platforms.choose(index, self._wanted)
        if self._blobs.has(chosen.digest):
            return Fetched(self._blobs.read(chosen.digest), chosen.digest, chosen.media_type)
        manifest = self._registry.manifest(self._repository, chosen.digest)
        require_size(chosen, len(manifest.data))
        if _kind(manifest) not in MANIFEST_TYPES:
            raise ImageError("the image's index leads to another index", "pull the inner one by its digest")
        return manifest

    def _config(self, descriptor: Descriptor) -> bytes:
        most = registry_settings().limits.document_bytes
        if descriptor.size > most:
            raise too_much(f"the image's config is larger than {most} bytes", "document_bytes")
        if self._blobs.has(descriptor.digest):
            require_size(descriptor, self._blobs.size(descriptor.digest))
            return self._blobs.read(descriptor.digest)
        advance = self._monitor.step("Fetching the image's config", descriptor.size)
        return fetch(self._registry, self._repository, descriptor, advance, self._monitor.nap)

    def _bring_in(self, layers: Sequence[Descriptor], diff_ids: Sequence[str], documents: Sequence[bytes]) -> list[int]:
        """Fetch and unpack all layers, and keep the documents; the layers' sizes. The first that fails stops all."""
        with (
            ExitStack() as stack,
            ThreadPoolExecutor(_FETCHED_AT_ONCE, thread_name_prefix="fetch") as fetching,
            ThreadPoolExecutor(_UNPACKED_AT_ONCE, thread_name_prefix="unpack") as unpacking,
            ThreadPoolExecutor(1, thread_name_prefix="keep") as keeping,  # which is waiting for the disk
        ):
            fetched, unpacked = [], []
            for descriptor, diff_id in zip(layers, diff_ids, strict=True):
                arrival = stack.enter_context(closing(Arrival(self._monitor.check)))
                fetched.append(fetching.submit(copy_context().run, self._fetch, descriptor, arrival))
                unpacked.append(unpacking.submit(copy_context().run, self._unpack, descriptor, diff_id, arrival))
            kept = [keeping.submit(copy_context().run, self._keep, document) for document in documents]
            return results([*kept, *fetched, *unpacked], self._monitor)[-len(unpacked) :]

    def _keep(self, document: bytes) -> int:
        if not self._blobs.has(digest_of(document)):
            self._blobs.put(document)
        return len(document)

    def _fetch(self, descriptor: Descriptor, arrival: Arrival) -> int:
        is_whole = False
        try:
            if self._blobs.has(descriptor.digest):
                require_size(descriptor, self._blobs.size(descriptor.digest))
                offer(self._blobs, descriptor, arrival)
            else:
                advance = self._monitor.step("Downloading", descriptor.size, _part(descriptor))
                nap = self._monitor.nap
                download(self._paths, self._registry, self._repository, descriptor, advance, nap, arrival)
            is_whole = True
        finally:
            arrival.end(is_whole)
        return descriptor.size

    def _unpack(self, descriptor: Descriptor, diff_id: str, arrival: Arrival) -> int:
        """Unpack a layer while it arrives; the bytes of its files."""
        part = _part(descriptor)
        with closing(arrival):
            if self._layers.has(diff_id):
                size = self._layers.size(diff_id)
            else:
                size = self._unpack_arriving(descriptor, diff_id, arrival)
        self._monitor.step("Ready", part=part)
        return size

    def _unpack_arriving(self, descriptor: Descriptor, diff_id: str, arrival: Arrival) -> int:
        try:
            return self._layers.add(arrival, diff_id, self._advance(descriptor, arrival)).size_bytes
        except ImageError as error:
            arrival.wait()
            if not arrival.is_whole:  # it isn't what its digest says, so its content is no matter
                raise Stopped from error
            if not arrival.began_anew:
                raise
        return unpack_layer(self._paths, diff_id, descriptor, self._monitor, _part(descriptor))

    def _advance(self, descriptor: Descriptor, arrival: Arrival) -> Advance:
        """Tell of unpacking when fetching isn't what people wait for any more."""
        unpacking: Advance | None = None
        before = 0

        def advance(amount: int) -> None:
            nonlocal unpacking, before
            self._monitor.check()
            before += amount
            if unpacking is not None:
                unpacking(amount)
            elif arrival.is_over:
                unpacking = self._monitor.step("Unpacking", descriptor.size, _part(descriptor), before)

        return advance


def _part(descriptor: Descriptor) -> str:
    """What a layer is called in progress."""
    return descriptor.digest.partition(":")[2][:12]


def _kind(fetched: Fetched) -> str:
    """What a document is: what it and the registry say has to agree (CVE-2021-41190)."""
    said = decode(fetched.data, _Claims, "the image's manifest")
    if said.manifests is not msgspec.UNSET and (said.layers is not msgspec.UNSET or said.config is not msgspec.UNSET):
        raise ImageError("the image's manifest says that it is an index, too", "it can't be trusted")
    kind = fetched.media_type
    if kind not in INDEX_TYPES | MANIFEST_TYPES:
        kind = said.media_type
    if said.media_type and said.media_type != kind:
        raise ImageError(
            f"the image's manifest calls itself {said.media_type[:80]!r}, its registry {kind[:80]!r}",
            "it can't be trusted",
        )
    if kind not in INDEX_TYPES | MANIFEST_TYPES or (kind in INDEX_TYPES) != (said.manifests is not msgspec.UNSET):
        raise ImageError(f"the image's manifest is of a kind that isn't known ({kind[:80]!r})", "push the image anew")
    return kind


class _Claims(Struct, rename="camel"):
    media_type: str = ""
    manifests: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    layers: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    config: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

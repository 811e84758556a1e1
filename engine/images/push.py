"""Pushing: an image of the store's to a registry. Blocks; to be run in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from engine.config.reading import registry_settings
from engine.images.monitor import Monitor
from engine.images.records import ImageRecord
from engine.images.side_by_side import results
from engine.oci.image_spec import Descriptor, Manifest, decode
from engine.oci.reference import Reference
from engine.paths import Paths
from engine.registry.registry import Registry, open_registry
from engine.registry.upload import has_blob, mount_blob, put_manifest, send_blob
from engine.store.blobs import Blobs

_SIDE_BY_SIDE: Final = 4


def push(paths: Paths, image: ImageRecord, target: Reference, elsewhere: Sequence[str], monitor: Monitor) -> str:
    """Send what the registry lacks; the digest of the manifest.

    Args:
        elsewhere: other repositories of the same registry that may have the layers already.

    Raises:
        RegistryError: the registry can't be reached, or refuses.
        StoreError: a blob is missing here.
    """
    blobs = Blobs(paths)
    data = blobs.read(image.manifest_digest)
    manifest = decode(data, Manifest, "the image's manifest")
    with (
        open_registry(target.registry, registry_settings(), target.repository, monitor.nap) as registry,
        monitor.woken_by(registry.hang_up),
    ):
        sender = _Sender(blobs, registry, target.repository, elsewhere, monitor)
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="push") as pool:
            wanted = dict.fromkeys((*manifest.layers, manifest.config))
            results([pool.submit(sender.bring, descriptor) for descriptor in wanted], monitor)
        put_manifest(registry, target.repository, target.tag or image.manifest_digest, data, manifest.media_type)
    return image.manifest_digest


class _Sender:
    def __init__(
        self, blobs: Blobs, registry: Registry, repository: str, elsewhere: Sequence[str], monitor: Monitor
    ) -> None:
        self._blobs = blobs
        self._registry = registry
        self._repository = repository
        self._elsewhere = elsewhere
        self._monitor = monitor

    def bring(self, descriptor: Descriptor) -> None:
        """Let the registry have a blob, sending it only when nothing else helps."""
        part = descriptor.digest.partition(":")[2][:12]
        self._monitor.step("Looking", part=part)
        if has_blob(self._registry, self._repository, descriptor.digest):
            self._monitor.step("There already", part=part)
        elif other := next((name for name in self._elsewhere if self._mount(descriptor, name)), ""):
            self._monitor.step(f"Taken from {other}", part=part)
        else:
            advance = self._monitor.step("Pushing", descriptor.size, part)
            with self._blobs.open(descriptor.digest) as file:
                send_blob(self._registry, self._repository, descriptor, file, advance)
            self._monitor.step("Pushed", part=part)

    def _mount(self, descriptor: Descriptor, other: str) -> bool:
        return mount_blob(self._registry, self._repository, descriptor.digest, other)

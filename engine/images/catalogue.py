"""Which image a word means, and what an image is to those who ask."""

from __future__ import annotations

from typing import Final

from engine.errors import InvalidRequest, NotFound
from engine.images.records import ImageRecord, ImageRecords
from engine.model import Image
from engine.oci.digest import is_digest
from engine.oci.image_spec import ConfigDocument, decode, image_config
from engine.oci.reference import Reference, parse_reference
from engine.store.blobs import Blobs

_HEXADECIMAL: Final = frozenset("0123456789abcdef")


class Catalogue:
    """The images below one root, by name and by id. To be used in the thread that the database lives in."""

    def __init__(self, records: ImageRecords, blobs: Blobs) -> None:
        self._records = records
        self._blobs = blobs
        self._documents: dict[str, ConfigDocument] = {}

    def find(self, reference: str) -> ImageRecord:
        """Find an image by name, by ``name@digest``, by id or by the beginning of an id.

        Raises:
            NotFound: there is none.
            InvalidRequest: the reference is malformed, or begins the ids of several images.
        """
        if is_digest(reference):
            found = self._records.by_id(reference) or self._records.by_manifest(reference)
        else:
            found = self._by_name(reference) or self._by_prefix(reference)
        if found is None:
            raise NotFound(
                f"there is no image {reference!r}", "boxdeck images lists them; pull, load or import one, or use base"
            )
        return found

    def image(self, record: ImageRecord) -> Image:
        """What the store and the image's config say of it.

        Raises:
            StoreError: its config can't be read.
        """
        document = self.document(record.id)
        return Image(
            id=record.id,
            references=record.references,
            manifest_digest=record.manifest_digest,
            layers=record.layers,
            config=image_config(document),
            created_unix_ns=record.created_unix_ns,
            size_bytes=record.size_bytes,
            architecture=document.architecture,
        )

    def document(self, image_id: str) -> ConfigDocument:
        """An image's config, read once: it can't change, its digest is its name.

        Raises:
            StoreError: it can't be read.
        """
        if image_id not in self._documents:
            self._documents[image_id] = decode(self._blobs.read(image_id), ConfigDocument, "the image's config")
        return self._documents[image_id]

    def _by_name(self, reference: str) -> ImageRecord | None:
        parsed = name_or_id(reference)
        if parsed is None:
            return None
        if (known := self._records.by_reference(parsed.familiar)) is not None or parsed.digest is None:
            return known
        found = self._records.by_manifest(parsed.digest)
        named = found is not None and any(
            parse_reference(each).familiar_name == parsed.familiar_name for each in found.references
        )
        return found if named else None

    def _by_prefix(self, reference: str) -> ImageRecord | None:
        if not _is_prefix(reference):
            return None
        found = self._records.by_prefix(reference.removeprefix("sha256:"))
        if len(found) > 1:
            raise InvalidRequest(f"several image ids begin with {reference!r}", "give more digits")
        return found[0] if found else None


def name_or_id(reference: str) -> Reference | None:
    """A reference, or None for what can only be an id.

    Raises:
        InvalidRequest: it is neither.
    """
    try:
        return parse_reference(reference)
    except InvalidRequest:
        if _is_prefix(reference):
            return None
        raise


def _is_prefix(reference: str) -> bool:
    digits = reference.removeprefix("sha256:")
    return 0 < len(digits) <= 64 and _HEXADECIMAL.issuperset(digits)

"""What the store knows about images: rows in, rows out. Content is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.store.database import Database

if TYPE_CHECKING:
    from engine.images.install import Installed

_COLUMNS = "id, manifest_digest, created_unix_ns, size_bytes"


class ImageRecord(Struct, frozen=True, kw_only=True):
    """One image's rows; fields as in `engine.model.Image`."""

    id: str
    references: tuple[str, ...]
    manifest_digest: str
    layers: tuple[str, ...]
    created_unix_ns: int
    size_bytes: int


class ImageRecords:
    """The tables of images. To be used in the thread that the database lives in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[ImageRecord, ...]:
        """All images, the newest first."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM images ORDER BY created_unix_ns DESC, id")
        return tuple(self._record(row) for row in rows)

    def by_id(self, image_id: str) -> ImageRecord | None:
        """The image with this id."""
        return self._one("SELECT {} FROM images WHERE id = ?", image_id)

    def by_reference(self, reference: str) -> ImageRecord | None:
        """The image with this name, in familiar form with a tag."""
        return self._one(
            "SELECT {} FROM images WHERE id = (SELECT image_id FROM image_references WHERE reference = ?)", reference
        )

    def by_manifest(self, digest: str) -> ImageRecord | None:
        """An image with this manifest."""
        return self._one("SELECT {} FROM images WHERE manifest_digest = ?", digest)

    def by_prefix(self, prefix: str) -> tuple[ImageRecord, ...]:
        """Images whose id begins with these hexadecimal digits; two at most, which is enough to know it's ambiguous."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM images WHERE substr(id, 1, ?) = ? LIMIT 2",
            (len(prefix) + len("sha256:"), f"sha256:{prefix}"),
        )
        return tuple(self._record(row) for row in rows)

    def containers_of(self, image_id: str) -> tuple[str, ...]:
        """Names of the containers made from this image."""
        found = self._database.rows("SELECT name FROM containers WHERE image_id = ? ORDER BY name", (image_id,))
        return tuple(str(name) for (name,) in found)

    def save(self, image: Installed, reference: str | None, action: str) -> None:
        """Make an image known, under a name that is taken from whichever image has it now; records an event.

        The same image may come with another manifest, its layers compressed otherwise: the latest is the one to keep.
        """
        with self._database.transaction():
            self._insert(image)
            if reference is not None:
                self.tag(image.id, reference)
            self._database.record_event("image", action, image.id, reference or image.id)

    def _insert(self, image: Installed) -> None:
        added = self._database.execute(
            f"INSERT INTO images ({_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (image.id, image.manifest_digest, image.created_unix_ns, image.size_bytes),
        )
        if not added:
            self._database.execute(
                "UPDATE images SET manifest_digest = ? WHERE id = ?", (image.manifest_digest, image.id)
            )
            return
        for position, diff_id in enumerate(image.layers):
            self._database.execute(
                "INSERT INTO image_layers (image_id, position, diff_id) VALUES (?, ?, ?)",
                (image.id, position, diff_id),
            )

    def tag(self, image_id: str, reference: str) -> None:
        """Give a name to an image, taken from whichever has it; to be called inside a transaction."""
        self._database.execute(
            "INSERT INTO image_references (reference, image_id) VALUES (?, ?)"
            " ON CONFLICT (reference) DO UPDATE SET image_id = excluded.image_id",
            (reference, image_id),
        )

    def untag(self, reference: str) -> None:
        """Take a name away; to be called inside a transaction."""
        self._database.execute("DELETE FROM image_references WHERE reference = ?", (reference,))

    def delete(self, image_id: str) -> None:
        """Forget an image and its names; to be called inside a transaction."""
        self._database.execute("DELETE FROM images WHERE id = ?", (image_id,))

    def _one(self, statement: str, value: str) -> ImageRecord | None:
        row = self._database.row(statement.format(_COLUMNS), (value,))
        return self._record(row) if row else None

    def _record(self, row: tuple[str, str, int, int]) -> ImageRecord:
        image_id, manifest_digest, created_unix_ns, size_bytes = row
        return ImageRecord(
            id=image_id,
            references=self._column("SELECT reference FROM image_references WHERE image_id = ? ORDER BY 1", image_id),
            manifest_digest=manifest_digest,
            layers=self._column("SELECT diff_id FROM image_layers WHERE image_id = ? ORDER BY position", image_id),
            created_unix_ns=created_unix_ns,
            size_bytes=size_bytes,
        )

    def _column(self, statement: str, value: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self._database.rows(statement, (value,)))

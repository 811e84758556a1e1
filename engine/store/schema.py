"""The tables of the store. A change of shape is a new entry in `MIGRATIONS`, never an edit of an old one."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE containers (
        id          TEXT PRIMARY KEY,
        name        TEXT NOT NULL UNIQUE,
        image_id    TEXT NOT NULL,
        state       TEXT NOT NULL,
        generation  INTEGER NOT NULL DEFAULT 0,  -- counts starts: an old shim's word can't overwrite a new one's
        record      BLOB NOT NULL                -- engine.model.Container as JSON
    ) STRICT;

    CREATE TABLE images (
        id              TEXT PRIMARY KEY,        -- digest of the config
        manifest_digest TEXT NOT NULL,
        created_unix_ns INTEGER NOT NULL,
        size_bytes      INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE image_layers (
        image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,               -- 0 is the lowest
        diff_id  TEXT NOT NULL,
        PRIMARY KEY (image_id, position)
    ) STRICT;

    CREATE TABLE image_references (
        reference TEXT PRIMARY KEY,              -- familiar form with tag, 'base:latest'
        image_id  TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE
    ) STRICT;

    CREATE TABLE networks (
        name    TEXT PRIMARY KEY,
        bridge  TEXT NOT NULL UNIQUE,
        subnet  TEXT NOT NULL UNIQUE,            -- '10.89.0.0/24'
        gateway TEXT NOT NULL
    ) STRICT;

    CREATE TABLE leases (
        network      TEXT NOT NULL REFERENCES networks(name) ON DELETE CASCADE,
        container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
        address      INTEGER NOT NULL,           -- IPv4 as a number: the lowest free one is a query
        UNIQUE (network, address),
        UNIQUE (network, container_id)
    ) STRICT;

    CREATE TABLE id_ranges (
        first        INTEGER PRIMARY KEY,        -- first id on the host of 65,536
        container_id TEXT NOT NULL UNIQUE REFERENCES containers(id) ON DELETE CASCADE
    ) STRICT;

    CREATE TABLE events (
        revision   INTEGER PRIMARY KEY AUTOINCREMENT,
        at_unix_ns INTEGER NOT NULL,
        kind       TEXT NOT NULL,
        action     TEXT NOT NULL,
        subject    TEXT NOT NULL,
        name       TEXT NOT NULL,
        detail     TEXT NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE events ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
    """,
)

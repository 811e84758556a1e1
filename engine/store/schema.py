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
    """
    CREATE TABLE local_prefix (                  -- of this store's IPv6 subnets, a /48 chosen at random (RFC 4193)
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        prefix   TEXT NOT NULL
    ) STRICT;

    ALTER TABLE networks RENAME TO old_networks;
    ALTER TABLE leases RENAME TO old_leases;

    CREATE TABLE networks (
        id              TEXT PRIMARY KEY,
        name            TEXT NOT NULL UNIQUE,
        bridge          TEXT NOT NULL UNIQUE,
        internal        INTEGER NOT NULL DEFAULT 0,
        mtu             INTEGER,                 -- NULL: as the machine's way out has it
        labels          TEXT NOT NULL DEFAULT '{}',
        created_unix_ns INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE subnets (
        network_id TEXT NOT NULL REFERENCES networks(id) ON DELETE CASCADE,
        family     INTEGER NOT NULL,             -- 4 or 6
        subnet     TEXT NOT NULL UNIQUE,         -- '10.89.0.0/24'
        gateway    TEXT NOT NULL,
        ip_range   TEXT NOT NULL DEFAULT '',
        is_fixed   INTEGER NOT NULL DEFAULT 0,   -- named by a person
        PRIMARY KEY (network_id, family)
    ) STRICT;

    CREATE TABLE endpoints (
        network_id     TEXT NOT NULL REFERENCES networks(id),
        container_id   TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
        number         INTEGER NOT NULL,         -- 0 is eth0
        host_interface TEXT NOT NULL UNIQUE,
        mac            TEXT NOT NULL,
        aliases        TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (network_id, container_id),
        UNIQUE (network_id, mac),
        UNIQUE (container_id, number)
    ) STRICT;

    CREATE TABLE leases (
        network_id   TEXT NOT NULL,
        container_id TEXT NOT NULL,
        family       INTEGER NOT NULL,           -- 4 or 6
        address      TEXT NOT NULL,              -- '10.89.0.7'
        PRIMARY KEY (network_id, container_id, family),
        UNIQUE (network_id, address),
        FOREIGN KEY (network_id, container_id) REFERENCES endpoints(network_id, container_id) ON DELETE CASCADE
    ) STRICT;

    INSERT INTO networks (id, name, bridge, created_unix_ns)
        SELECT lower(hex(randomblob(32))), name, bridge, CAST(strftime('%s', 'now') AS INTEGER) * 1000000000
        FROM old_networks;

    INSERT INTO subnets (network_id, family, subnet, gateway)
        SELECT networks.id, 4, old_networks.subnet, old_networks.gateway
        FROM old_networks JOIN networks USING (name);

    INSERT INTO endpoints (network_id, container_id, number, host_interface, mac)
        SELECT networks.id, containers.id, 0, json_extract(CAST(record AS TEXT), '$.endpoint.host_interface'),
               json_extract(CAST(record AS TEXT), '$.endpoint.mac')
        FROM old_leases JOIN networks ON networks.name = old_leases.network
        JOIN containers ON containers.id = old_leases.container_id
        WHERE json_type(CAST(record AS TEXT), '$.endpoint') = 'object';

    INSERT INTO leases (network_id, container_id, family, address)
        SELECT networks.id, old_leases.container_id, 4,
               printf('%d.%d.%d.%d', address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255)
        FROM old_leases JOIN networks ON networks.name = old_leases.network
        JOIN endpoints ON endpoints.container_id = old_leases.container_id;

    UPDATE containers SET record = CAST(json_set(
            json_remove(CAST(record AS TEXT), '$.endpoint'),
            '$.endpoints', json_array(json_extract(CAST(record AS TEXT), '$.endpoint'))
        ) AS BLOB)
        WHERE json_type(CAST(record AS TEXT), '$.endpoint') = 'object';

    DROP TABLE old_leases;
    DROP TABLE old_networks;
    """,
    """
    CREATE TABLE open_ports (                    -- one row for each element of the firewall
        container_id      TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
        host_address      TEXT NOT NULL,         -- '0.0.0.0' and '::' are all of a family
        host_port         INTEGER NOT NULL,
        protocol          TEXT NOT NULL,
        container_address TEXT NOT NULL,
        container_port    INTEGER NOT NULL,
        UNIQUE (host_address, host_port, protocol)
    ) STRICT;

    CREATE INDEX open_ports_of_containers ON open_ports (container_id);
    """,
    """
    CREATE TABLE volumes (
        name            TEXT PRIMARY KEY,
        created_unix_ns INTEGER NOT NULL,
        labels          TEXT NOT NULL,           -- as JSON
        is_anonymous    INTEGER NOT NULL
    ) STRICT;
    """,
    """
    UPDATE containers SET record = CAST(json_set( -- records from before there were several networks name theirs, too
            CAST(record AS TEXT), '$.endpoints[0].network_id',
            (SELECT network_id FROM endpoints WHERE endpoints.container_id = containers.id AND number = 0)
        ) AS BLOB)
        WHERE coalesce(json_extract(CAST(record AS TEXT), '$.endpoints[0].network_id'), '') = ''
        AND EXISTS (SELECT 1 FROM endpoints WHERE endpoints.container_id = containers.id AND number = 0);
    """,
    """
    ALTER TABLE events ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';  -- as JSON
    """,
)

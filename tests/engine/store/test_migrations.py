"""A store of every earlier version becomes one of today's, with all that was in it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from engine.errors import StoreError
from engine.model import Container, ContainerRequest, State
from engine.network import records as networks
from engine.network.leases import of_container
from engine.records import Records
from engine.store.database import Database
from engine.store.schema import MIGRATIONS

ID, OTHER = "a" * 64, "b" * 64
_WITH_SUBNETS = 3  # the version from which a network has several of them
_WITH_NETWORKS_NAMED = 6  # by the records, too


def record(container_id: str, name: str, **fields: object) -> bytes:
    container = Container(
        id=container_id,
        name=name,
        request=ContainerRequest(image="base"),
        image_id="sha256:1",
        argv=("true",),
        state=State.EXITED,
        created_unix_ns=1,
        exit_status=3,
    )
    return msgspec.json.encode({**msgspec.to_builtins(container), **fields})


def old_store(path: Path, version: int) -> None:
    """A store as Boxdeck of that version would have written it: a container with an address, an image, an event."""
    with closing(sqlite3.connect(path)) as database, database:
        for script in MIGRATIONS[:version]:
            database.executescript(script)
        database.execute(f"PRAGMA user_version={version}")
        endpoint = {
            "network": "bridge", "bridge": "boxdeck0", "host_interface": "bd1", "container_interface": "eth0",
            "address": "10.89.0.7/24", "gateway": "10.89.0.1", "mac": "02:42:0a:59:00:07",
        }  # fmt: skip
        if version == 0:
            return
        if version >= _WITH_NETWORKS_NAMED:
            endpoint["network_id"] = "n"
        own = {"endpoint": endpoint} if version < _WITH_SUBNETS else {"endpoints": [endpoint]}
        insert = "INSERT INTO containers (id, name, image_id, state, record) VALUES (?, ?, 'sha256:1', 'exited', ?)"
        database.execute(insert, (ID, "old", record(ID, "old", **own)))
        database.execute(insert, (OTHER, "alone", record(OTHER, "alone")))
        database.execute("INSERT INTO id_ranges VALUES (1000013824, ?)", (ID,))
        database.execute("INSERT INTO images VALUES ('sha256:1', 'sha256:2', 1, 10)")
        database.execute("INSERT INTO image_layers VALUES ('sha256:1', 0, 'sha256:3')")
        database.execute("INSERT INTO image_references VALUES ('base:latest', 'sha256:1')")
        columns = "at_unix_ns, kind, action, subject, name, detail"
        database.execute(f"INSERT INTO events ({columns}) VALUES (5, 'container', 'die', ?, 'old', '3')", (ID,))
        if version < _WITH_SUBNETS:
            database.execute("INSERT INTO networks VALUES ('bridge', 'boxdeck0', '10.89.0.0/24', '10.89.0.1')")
            database.execute("INSERT INTO leases VALUES ('bridge', ?, ?)", (ID, (10 << 24) + (89 << 16) + 7))
            return
        for table, columns, values in (
            ("networks", "id, name, bridge, created_unix_ns", ("n", "bridge", "boxdeck0", 1)),
            ("subnets", "network_id, family, subnet, gateway", ("n", 4, "10.89.0.0/24", "10.89.0.1")),
            (
                "endpoints",
                "network_id, container_id, number, host_interface, mac",
                ("n", ID, 0, "bd1", endpoint["mac"]),
            ),
            ("leases", "network_id, container_id, family, address", ("n", ID, 4, "10.89.0.7")),
        ):
            marks = ", ".join("?" * len(values))
            database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def schema(path: Path) -> dict[str, str]:
    """Every table and index in its own words, without comments and white space."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(re.sub(r"--[^\n]*", "", sql).split()) for name, sql in rows}


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_everything_of_an_earlier_version_is_there(tmp_path: Path, version: int) -> None:
    path = tmp_path / "boxdeck.db"
    old_store(path, version)
    with closing(Database(path)) as database:
        assert database.row("PRAGMA user_version") == (len(MIGRATIONS),)
        assert database.rows("PRAGMA foreign_key_check") == []
        if version > 0:
            assert {each.name: each.exit_status for each in Records(database).all()} == {"old": 3, "alone": 3}
            (endpoint,) = Records(database).find("old").endpoints
            (leased,) = of_container(database, ID)
            assert endpoint.address == leased.address == "10.89.0.7/24"
            assert (leased.host_interface, leased.mac, leased.gateway) == ("bd1", endpoint.mac, "10.89.0.1")
            assert leased.network_id and endpoint.network_id == leased.network_id
            assert [each.name for each in networks.every(database)] == ["bridge"]
            assert database.rows(
                "SELECT reference, diff_id FROM image_references JOIN image_layers USING (image_id)"
            ) == [("base:latest", "sha256:3")]
            assert database.row("SELECT first FROM id_ranges WHERE container_id = ?", (ID,)) == (1000013824,)
            assert [(each.action, each.detail, each.count) for each in database.events_after(0)] == [("die", "3", 0)]
    fresh = tmp_path / "fresh.db"
    Database(fresh).close()
    assert schema(path) == schema(fresh)


def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "boxdeck.db"
    old_store(path, 1)
    before = schema(path)
    broken = (*MIGRATIONS[:-1], MIGRATIONS[-1] + "\nCREATE TABLE containers (id TEXT);\n")
    monkeypatch.setattr("engine.store.database.MIGRATIONS", broken)
    with pytest.raises(StoreError):
        Database(path)
    assert schema(path) == before
    monkeypatch.undo()
    with closing(Database(path)) as database:
        assert len(Records(database).all()) == 2


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "boxdeck.db"
    old_store(path, len(MIGRATIONS))
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="newer Boxdeck: upgrade"):
        Database(path)

"""Credentials are found where docker, podman and we ourselves put them."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from engine.errors import InvalidRequest, RegistryError
from engine.registry import credentials
from engine.registry.credentials import Credentials


def encoded(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, **content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def helper(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_nobody_is_known_at_first() -> None:
    assert credentials.find("registry.example") is None


@pytest.mark.parametrize(
    ("place", "key", "registry"),
    [
        (".docker/config.json", "registry.example:5000", "registry.example:5000"),
        (".docker/config.json", "https://index.docker.io/v1/", "docker.io"),
        (".docker/config.json", "https://registry.example/v2/", "registry.example"),
        (".config/containers/auth.json", "docker.io", "docker.io"),
        ("run/containers/auth.json", "registry.example", "registry.example"),
        (".config/boxdeck/auth.json", "registry.example", "registry.example"),
    ],
)
def test_others_files_are_understood(home: Path, place: str, key: str, registry: str) -> None:
    write(home / place, auths={key: encoded("me", "a:b")}, unknown={"x": 1})
    assert credentials.find(registry) == Credentials("me", "a:b")


def test_a_repository_may_have_its_own(home: Path) -> None:
    auths = {"r.example": encoded("all", "1"), "r.example/team/app": encoded("app", "2")}
    write(home / ".config/containers/auth.json", auths=auths)
    assert credentials.find("r.example", "team/app") == Credentials("app", "2")
    assert credentials.find("r.example", "team/other") == Credentials("all", "1")


def test_an_identity_token_is_taken(home: Path) -> None:
    write(home / ".docker/config.json", auths={"r.example": {"identitytoken": "long"}})
    assert credentials.find("r.example") == Credentials(identity_token="long")


def test_a_helper_is_asked(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        'read server; echo "{\\"ServerURL\\": \\"$server\\", \\"Username\\": \\"u\\", \\"Secret\\": \\"$1-$server\\"}"'
    )
    helper(tmp_path, "test", script, monkeypatch)
    write(home / ".docker/config.json", credHelpers={"r.example": "test"})
    assert credentials.find("r.example") == Credentials("u", "get-r.example")


def test_a_store_is_asked_for_those_who_have_logged_in(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, "test", 'echo \'{"Username": "<token>", "Secret": "t"}\'', monkeypatch)
    write(home / ".docker/config.json", credsStore="test", auths={"r.example": {}})
    assert credentials.find("r.example") == Credentials(identity_token="t")
    assert credentials.find("other.example") is None


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense"])
def test_a_helper_that_knows_nothing_or_fails(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    helper(tmp_path, "test", script, monkeypatch)
    write(home / ".docker/config.json", credHelpers={"r.example": "test"})
    if script == "exit 1":
        assert credentials.find("r.example") is None
    else:
        with pytest.raises(RegistryError, match="docker-credential-test answers with nonsense"):
            credentials.find("r.example")


def test_a_file_that_can_t_be_understood_is_named(home: Path) -> None:
    path = write(home / ".docker/config.json", auths=5)
    with pytest.raises(InvalidRequest, match=str(path)):
        credentials.find("r.example")


def test_what_is_stored_is_for_its_owner_alone_and_can_be_taken_back(home: Path) -> None:
    assert not credentials.store("r.example", Credentials("me", "secret"))
    path = home / ".config/boxdeck/auth.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert credentials.find("r.example") == Credentials("me", "secret")
    assert credentials.store("other.example", Credentials(identity_token="t")) is False
    assert credentials.store("r.example", None)
    assert credentials.find("r.example") is None
    assert credentials.find("other.example") == Credentials(identity_token="t")

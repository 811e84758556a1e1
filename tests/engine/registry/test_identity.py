"""Identity tokens, credential helpers and registries without proper certificates, from the files that name them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.config.reading import registry_settings
from engine.errors import RegistryError
from engine.registry.registry import open_registry
from engine.registry.upload import mount_blob
from tests.engine.images.conftest import Layout
from tests.engine.registry.conftest import MakeRegistry
from tests.engine.registry.served import Handler, Served, basic

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def served(layout: Layout) -> Iterator[Served]:
    registry = Served(layout.folder)
    registry.tag(layout.image(b"\0" * 1024))
    yield registry
    registry.close()


def with_oauth(served: Served, forms: list[dict[str, list[str]]]) -> None:
    """Give an access token for the identity token ``long-lived``, and let in who has it."""

    def twist(request: Handler) -> bool:
        if request.path == "/token" and request.command == "POST":
            forms.append(parse_qs(request.body().decode()))
            is_known = forms[-1].get("refresh_token") == ["long-lived"]
            request.answer(200 if is_known else 401, json.dumps({"access_token": "short-lived"}).encode())
            return True
        if request.headers.get("Authorization") == "Bearer short-lived":
            return False
        realm = f'Bearer realm="http://{served.host}/token",service="the service"'
        request.answer(401, b"{}", WWW_Authenticate=realm)
        return True

    served.twist = twist


def write(path: Path, **content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def read_a_manifest(served: Served) -> None:
    with open_registry(served.host, registry_settings(), "image") as registry:
        assert registry.manifest("image", "latest").data


@pytest.mark.parametrize("place", [".docker/config.json", "run/containers/auth.json", ".config/boxdeck/auth.json"])
def test_an_identity_token_is_exchanged(home: Path, served: Served, place: str) -> None:
    forms: list[dict[str, list[str]]] = []
    with_oauth(served, forms)
    write(home / place, auths={served.host: {"identitytoken": "long-lived"}})
    read_a_manifest(served)
    (form,) = forms
    assert form == {
        "grant_type": ["refresh_token"], "refresh_token": ["long-lived"], "client_id": ["boxdeck"],
        "service": ["the service"], "scope": ["repository:image:pull"],
    }  # fmt: skip
    assert not any("long-lived" in str(headers) + path for path, headers in served.seen)


def test_one_that_isn_t_known_any_more_is_said(home: Path, served: Served) -> None:
    with_oauth(served, [])
    write(home / ".docker/config.json", auths={served.host: {"identitytoken": "outlived"}})
    with pytest.raises(RegistryError, match="log in again with: boxdeck login"):
        read_a_manifest(served)


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ({"Username": "<token>", "Secret": "long-lived"}, "Bearer short-lived"),
        ({"Username": "me", "Secret": "a:b"}, basic("me", "a:b")),
    ],
)
def test_a_helper_s_answer_lets_one_in(
    home: Path, served: Served, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], sent: str
) -> None:
    program = home / "docker-credential-vault"
    program.write_text(f"#!/bin/sh\ncat > {home}/asked\necho '{json.dumps(answer)}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    if sent.startswith("Bearer"):
        with_oauth(served, [])
    else:

        def twist(request: Handler) -> bool:
            if request.headers.get("Authorization") != sent:
                request.answer(401, b"{}", WWW_Authenticate='Basic realm="r"')
                return True
            return False

        served.twist = twist
    write(home / ".docker/config.json", credHelpers={served.host: "vault"})
    read_a_manifest(served)
    assert (home / "asked").read_text() == served.host
    assert served.seen[-1][1]["Authorization"] == sent


def test_a_mount_asks_for_both_repositories_and_does_without(home: Path, served: Served) -> None:
    """Whoever may not read the other repository sends the blob instead."""
    asked: list[str] = []

    def twist(request: Handler) -> bool:
        if request.path.startswith("/token"):
            asked.append(urlsplit(request.path).query)
            request.answer(200, b'{"token": "small"}')
        else:
            request.answer(401, b"{}", WWW_Authenticate=f'Bearer realm="http://{served.host}/token"')
        return True

    served.twist = twist
    with open_registry(served.host, registry_settings()) as registry:
        assert not mount_blob(registry, "mine", DIGEST, "theirs")
    assert parse_qs(asked[0])["scope"] == ["repository:mine:pull,push", "repository:theirs:pull"]


def test_a_registry_without_tls_is_spoken_to_when_the_file_says_so(
    home: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.registry.transport.is_loopback", lambda host: False)
    with pytest.raises(RegistryError):
        read_a_manifest(served)
    assert served.seen == []
    path = home / ".config/boxdeck/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[registries]\ninsecure = ["{served.host}"]\n')
    read_a_manifest(served)


def test_a_certificate_isn_t_looked_at_when_the_file_says_so(home: Path, docker_registry: MakeRegistry) -> None:
    registry = docker_registry(tls=True)
    with (
        open_registry(registry.host, registry_settings()) as careful,
        pytest.raises(RegistryError, match="isn't trusted"),
    ):
        careful.check()
    path = home / ".config/boxdeck/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[registries]\ninsecure = ["{registry.host}"]\n')
    with open_registry(registry.host, registry_settings()) as careless:
        careless.check()


def test_a_password_is_stored_as_docker_does(home: Path) -> None:
    from engine.registry import credentials

    credentials.store("r.example", credentials.Credentials("me", "a:b"))
    stored = json.loads((home / ".config/boxdeck/auth.json").read_text())
    assert base64.b64decode(stored["auths"]["r.example"]["auth"]) == b"me:a:b"

"""RegistrySettings: Debian's, with passwords and TLS, and one that plays the token server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.config.model import RegistrySettings
from engine.errors import NotFound, RegistryError
from engine.registry.credentials import Credentials
from engine.registry.registry import Registry
from tests.engine.images.conftest import Layout
from tests.engine.registry.conftest import MakeRegistry
from tests.engine.registry.served import Handler, Served, basic
from tests.registry import PASSWORD, USER, DockerRegistry


@pytest.fixture
def served(layout: Layout) -> Iterator[Served]:
    registry = Served(layout.folder)
    yield registry
    registry.close()


def push(layout: Layout, registry: DockerRegistry, name: str) -> None:
    """By skopeo."""
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo isn't installed: apt-get install skopeo")
    certificate = [f"--dest-cert-dir={registry.folder}"] if registry.certificate else ["--dest-tls-verify=false"]
    command = ["skopeo", "copy", "-q", *certificate, f"--dest-creds={USER}:{PASSWORD}"]
    subprocess.run([*command, f"oci:{layout.folder}", f"docker://{registry.reference(name)}"], check=True)


def opened(host: str, known: Credentials | None = None, **settings: object) -> Registry:
    return Registry(host, RegistrySettings(**settings), known)  # type: ignore[arg-type]


ME = Credentials(USER, PASSWORD)


def test_passwords_open_what_is_closed_to_others(docker_registry: MakeRegistry, layout: Layout) -> None:
    registry = docker_registry(passwords=True)
    layout.finish(layout.image(b"\0" * 1024))
    push(layout, registry, "closed:1")
    with opened(registry.host, ME) as known:
        known.check()
        assert json.loads(known.manifest("closed", "1").data)["layers"]
    for stranger in (None, Credentials(USER, "wrong")):
        with opened(registry.host, stranger) as unknown, pytest.raises(RegistryError, match="boxdeck login localhost"):
            unknown.manifest("closed", "1")


def test_all_tags_are_listed_page_by_page(docker_registry: MakeRegistry, layout: Layout) -> None:
    registry = docker_registry()
    layout.finish(layout.image(b"\0" * 1024))
    for tag in ("1", "2", "three"):
        push(layout, registry, f"some/image:{tag}")
    with opened(registry.host) as opened_registry:
        assert sorted(opened_registry.tags("some/image")) == ["1", "2", "three"]
        with pytest.raises(NotFound, match="has no repository nothing"):
            opened_registry.tags("nothing")


def test_an_image_that_isn_t_there_is_told_with_how_to_see_its_tags(served: Served) -> None:
    with opened(served.host) as registry, pytest.raises(NotFound, match=f"boxdeck tags {served.host}/team/image"):
        registry.manifest("team/image", "2")


def test_threads_that_share_a_registry_ask_once_whether_it_speaks_tls(docker_registry: MakeRegistry) -> None:
    registry = docker_registry(tls=True)
    with opened(registry.host, insecure=(registry.host,)) as shared, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: shared.check(), range(4)))
    assert registry.requests().count("GET /v2/") == 5


def test_pages_follow_each_other(served: Served) -> None:
    def pages(request: Handler) -> bool:
        if "last=" in request.path:
            request.answer(200, b'{"tags": ["c"]}')
        else:
            request.answer(200, b'{"tags": ["a", "b"]}', Link='</v2/image/tags/list?n=2&last=b>; rel="next"')
        return True

    served.twist = pages
    with opened(served.host) as registry:
        assert registry.tags("image") == ("a", "b", "c")


def test_a_certificate_is_trusted_when_its_authority_is(
    docker_registry: MakeRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registry = docker_registry(tls=True)
    with opened(registry.host) as stranger, pytest.raises(RegistryError, match=r"certificate .* isn't trusted"):
        stranger.check()
    with opened(registry.host, insecure=(registry.host,)) as careless:
        careless.check()
    assert registry.certificate is not None
    folder = tmp_path / "certs.d" / registry.host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(registry.certificate.read_bytes())
    monkeypatch.setattr("engine.registry.transport.CERTIFICATES", (tmp_path / "certs.d",))
    with opened(registry.host) as trusting:
        trusting.check()


# Tokens, and where secrets go


def with_tokens(served: Served, realm: str, tokens: list[str], seen: list[str]) -> None:
    """Have the registry ask for a token from `realm`, and accept those of `tokens`."""

    def twist(request: Handler) -> bool:
        if request.path.startswith("/token"):
            seen.append(request.headers.get("Authorization", ""))
            request.answer(200, json.dumps({"token": tokens[0]}).encode())
            return True
        if request.headers.get("Authorization") == f"Bearer {tokens[-1]}":
            return False
        request.answer(401, b"{}", WWW_Authenticate=f'Bearer realm="{realm}",service="s"')
        return True

    served.twist = twist


def test_a_token_is_fetched_once_and_used(served: Served, layout: Layout) -> None:
    served.tag(layout.image(b"\0" * 1024))
    seen: list[str] = []
    with_tokens(served, f"http://{served.host}/token", ["t"], seen)
    with opened(served.host, ME) as registry:
        first = registry.manifest("image", "latest")
        assert registry.manifest("image", first.digest) == first
    assert seen == [basic(USER, PASSWORD)]
    assert any("scope=repository%3Aimage%3Apull" in path for path, _ in served.seen)


def test_a_token_that_isn_t_accepted_is_no_loop(served: Served) -> None:
    with_tokens(served, f"http://{served.host}/token", ["t", "another"], [])
    with opened(served.host) as registry, pytest.raises(RegistryError, match="log in"):
        registry.manifest("image", "latest")
    assert len(served.seen) < 8


@pytest.mark.parametrize("realm", ["http://registry.example/token", "ftp://registry.example/", "", "/token"])
def test_no_password_goes_to_a_place_that_isn_t_safe(served: Served, realm: str) -> None:
    with_tokens(served, realm, ["t"], [])
    with opened(served.host, ME) as registry, pytest.raises(RegistryError, match="isn't safe"):
        registry.manifest("image", "latest")


def test_no_credential_follows_to_another_host(served: Served, layout: Layout, tmp_path: Path) -> None:
    descriptor = layout.image(b"\0" * 1024)
    served.tag(descriptor)
    other = Served(layout.folder)
    other.types = served.types

    def elsewhere(request: Handler) -> bool:
        if "Authorization" not in request.headers:
            request.answer(401, b"{}", WWW_Authenticate='Basic realm="x"')
        else:
            request.answer(307, b"", Location=f"http://{other.host}{request.path}")
        return True

    served.twist = elsewhere
    try:
        with opened(served.host, ME) as registry:
            registry.manifest("image", str(descriptor["digest"]))
        assert served.seen[-1][1]["Authorization"] == basic(USER, PASSWORD)
        assert other.seen and all("Authorization" not in headers for _, headers in other.seen)
    finally:
        other.close()


def test_a_redirect_in_circles_ends(served: Served) -> None:
    def round_and_round(request: Handler) -> bool:
        request.answer(302, b"", Location=request.path)
        return True

    served.twist = round_and_round
    with opened(served.host) as registry, pytest.raises(RegistryError, match="from one place to the next"):
        registry.check()
    assert len(served.seen) < 10


def test_an_address_that_isn_t_http_is_not_followed(served: Served) -> None:
    def to_a_file(request: Handler) -> bool:
        request.answer(302, b"", Location="file:///etc/passwd")
        return True

    served.twist = to_a_file
    with opened(served.host) as registry, pytest.raises(RegistryError, match="isn't safe"):
        registry.check()

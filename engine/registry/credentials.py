"""Who to be at a registry: from files that ``boxdeck login``, podman and docker write, and from docker's helpers.

The formats are those of docker's config.json (docs.docker.com, "docker login", "Credential stores") and of
containers-auth.json(5), which are one but for the keys: podman's may name a repository.
"""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.config.places import config_folder
from engine.errors import InvalidRequest, RegistryError
from engine.oci.reference import DEFAULT_REGISTRY

_DOCKER_HUB = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")  # what docker calls it
_HELPER_SECONDS = 30.0
_TOKEN_USER = "<token>"  # a helper's name for a secret that is an identity token


class Credentials(Struct, frozen=True):
    """A name and a password; or an identity token (OAuth2's refresh token) in place of both."""

    user: str = ""
    password: str = ""
    identity_token: str = ""


class Entry(Struct, omit_defaults=True):
    """What a file has for one registry; `auth` is ``user:password`` in base64."""

    auth: str = ""
    identitytoken: str = ""
    username: str = ""
    password: str = ""


class AuthFile(Struct, omit_defaults=True, rename={"cred_helpers": "credHelpers", "creds_store": "credsStore"}):
    """The parts of such a file that matter here."""

    auths: dict[str, Entry] = {}
    cred_helpers: dict[str, str] = {}
    creds_store: str = ""


class _HelperAnswer(Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def find(registry: str, repository: str = "") -> Credentials | None:
    """The credentials for a repository of a registry; None where nobody has logged in.

    Raises:
        InvalidRequest: a file can't be understood.
        RegistryError: a helper fails.
    """
    for path in files():
        found = _in_file(read(path), registry, repository)
        if found is not None:
            return found
    return None


def files() -> tuple[Path, ...]:
    """Where credentials are looked for: our own file first, then podman's, then docker's."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        return (Path(named),)
    home = Path.home()
    running = os.environ.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker")
    return (
        own_file(),
        Path(running) / "containers" / "auth.json",
        Path(running) / "auth.json",
        home / ".config" / "containers" / "auth.json",
        docker / "config.json",
    )


def own_file() -> Path:
    """What ``boxdeck login`` writes: ``$REGISTRY_AUTH_FILE``, or a file beside our settings."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    return Path(named) if named else config_folder() / "auth.json"


def read(path: Path) -> AuthFile:
    """A file's contents; empty where there is none.

    Raises:
        InvalidRequest: it can't be understood.
    """
    try:
        return msgspec.json.decode(path.read_bytes() or b"{}", type=AuthFile)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return AuthFile()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} can't be understood ({error})", "mend it, or log in again") from error


def store(registry: str, credentials: Credentials | None) -> bool:
    """Write credentials into our own file, or take them out of it; whether there were any before.

    Written aside and renamed, for our own eyes only.
    """
    path = own_file()
    content = read(path)
    known = content.auths.pop(registry, None)
    if credentials is not None:
        content.auths[registry] = _entry(credentials)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)))
        file.flush()
        os.fsync(descriptor)
    os.rename(aside, path)
    return known is not None


def _entry(credentials: Credentials) -> Entry:
    text = f"{credentials.user}:{credentials.password}".encode()
    return Entry(auth=base64.b64encode(text).decode(), identitytoken=credentials.identity_token)


def _in_file(content: AuthFile, registry: str, repository: str) -> Credentials | None:
    for key in _keys(registry, repository):
        if helper := content.cred_helpers.get(key):
            return _from_helper(helper, key)
        if (entry := content.auths.get(key)) is not None and (found := _from_entry(entry)) is not None:
            return found
    if content.creds_store and any(key in content.auths for key in _keys(registry, repository)):
        key = next(key for key in _keys(registry, repository) if key in content.auths)
        return _from_helper(content.creds_store, key)
    return None


def _keys(registry: str, repository: str) -> Iterator[str]:
    """Under what names a file may have it, the most particular first."""
    parts = repository.split("/") if repository else []
    for length in range(len(parts), 0, -1):
        yield "/".join([registry, *parts[:length]])
    yield registry
    yield from (f"https://{registry}", f"https://{registry}/", f"https://{registry}/v1/", f"https://{registry}/v2/")
    yield from (f"http://{registry}", f"http://{registry}/")
    if registry == DEFAULT_REGISTRY:
        yield from _DOCKER_HUB


def _from_entry(entry: Entry) -> Credentials | None:
    if entry.identitytoken:
        return Credentials(identity_token=entry.identitytoken)
    if entry.username:
        return Credentials(entry.username, entry.password)
    try:
        user, colon, password = base64.b64decode(entry.auth).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(user, password.rstrip("\0")) if colon else None


def _from_helper(name: str, server: str) -> Credentials | None:
    """Ask docker-credential-NAME (github.com/docker/docker-credential-helpers, "Development")."""
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RegistryError(f"the credential helper {program} doesn't work ({error})", "log in again") from error
    if done.returncode:
        return None  # that is how it says that it has none
    try:
        answer = msgspec.json.decode(done.stdout, type=_HelperAnswer)
    except msgspec.MsgspecError as error:
        raise RegistryError(f"the credential helper {program} answers with nonsense", "log in again") from error
    if answer.username == _TOKEN_USER:
        return Credentials(identity_token=answer.secret)
    return Credentials(answer.username, answer.secret)

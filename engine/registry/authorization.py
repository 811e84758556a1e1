"""Proving who we are to a registry: basic authentication, or tokens from where it says (distribution spec, "Token")."""

from __future__ import annotations

import base64
import threading
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from engine.errors import RegistryError
from engine.registry.challenge import Challenge
from engine.registry.credentials import Credentials
from engine.registry.transport import NONSENSE, Transport, is_loopback, read_body

_LONGEST_ANSWER = 1 << 20
_CLIENT = "boxdeck"


class _Answer(Struct):
    """A token server's answer, in either of its two fields."""

    token: str = ""
    access_token: str = ""


class Authorization:
    """The Authorization headers for one registry, one per scope; asked for once each.

    Args:
        credentials: who to be; None for anybody.
    """

    def __init__(self, transport: Transport, credentials: Credentials | None) -> None:
        self._transport = transport
        self._credentials = credentials
        self._headers: dict[str, str] = {}
        self._lock = threading.Lock()

    def header(self, scope: str) -> dict[str, str]:
        """What to send along for a scope such as ``repository:library/alpine:pull``, as far as it is known."""
        value = self._headers.get(scope)
        return {"Authorization": value} if value else {}

    def answer(self, challenge: Challenge, scope: str, refused: str) -> bool:
        """Get what a challenge asks for; False when there is nothing new to try.

        Args:
            refused: the header that the challenge came for; empty when none was sent.

        Raises:
            RegistryError: the token server can't be reached, or refuses.
        """
        with self._lock:  # the other threads then find what the first has brought
            if self._headers.get(scope, "") != refused:
                return True
            value = self._basic() if challenge.scheme == "basic" else self._token(challenge, scope)
            if not value or value == refused:
                return False
            self._headers[scope] = value
            return True

    def _basic(self) -> str:
        credentials = self._credentials
        if credentials is None or not credentials.user:
            return ""
        text = f"{credentials.user}:{credentials.password}".encode()
        return f"Basic {base64.b64encode(text).decode()}"

    def _token(self, challenge: Challenge, scope: str) -> str:
        realm = challenge.realm
        self._require_safe(realm)
        service, scopes = challenge.service, challenge.scope or scope
        credentials = self._credentials
        if credentials is not None and credentials.identity_token:
            form = {
                "service": service,
                "scope": scopes,
                "grant_type": "refresh_token",
                "refresh_token": credentials.identity_token,
                "client_id": _CLIENT,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._fetch("POST", realm, headers, urlencode(form).encode())
        basic = self._basic()
        asked = urlencode([("service", service), *(("scope", each) for each in scopes.split())])
        address = f"{realm}{'&' if '?' in realm else '?'}{asked}"
        return self._fetch("GET", address, {"Authorization": basic} if basic else {}, None)

    def _fetch(self, method: str, address: str, headers: dict[str, str], content: bytes | None) -> str:
        with self._transport.send(method, address, headers, content) as response:
            if response.status_code != 200:
                raise denied(self._transport.host, self._credentials is not None)
            text = read_body(response, _LONGEST_ANSWER, self._transport.host)
        try:
            answer = msgspec.json.decode(text, type=_Answer)
        except NONSENSE as error:
            raise RegistryError(f"{address.partition('?')[0]} gives no token ({error})", "try again later") from error
        token = answer.token or answer.access_token
        return f"Bearer {token}" if token else ""

    def _require_safe(self, realm: str) -> None:
        """A password goes to nobody in plain text, but to this machine and registries that are spoken to so anyway."""
        parts = urlsplit(realm)
        plain_here = self._transport.speaks_plainly and parts.netloc == self._transport.host
        if parts.scheme != "https" and not (parts.scheme == "http" and (plain_here or is_loopback(parts.netloc))):
            raise RegistryError(
                f"{self._transport.host} wants us to say who we are at {realm[:100]!r}, which isn't safe",
                "ask its operator",
            )


def denied(host: str, known: bool) -> RegistryError:
    """What to say to somebody who isn't let in."""
    if known:
        return RegistryError(f"the registry {host} doesn't let us in", f"log in again with: boxdeck login {host}")
    return RegistryError(
        f"the registry {host} doesn't show that to everybody, or has no such image", f"log in: boxdeck login {host}"
    )

"""HTTP to one registry: which scheme, whose certificates, and when to try again. Blocks; threads may share it.

Redirects are followed here and not by the library, so that no header of ours goes to another host with them.
"""

from __future__ import annotations

import ipaddress
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakSet

import httpx
import msgspec

from engine import __version__
from engine.errors import RegistryError

CERTIFICATES: Final = (Path("/etc/boxdeck/certs.d"), Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_BODY_SECONDS: Final = 60.0  # of an answer that is read as a whole
_TRIES: Final = 5
_TRIES_TO_CONNECT: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.3
_LONGEST_PAUSE_SECONDS: Final = 10.0
_MAXIMUM_REDIRECTS: Final = 5
_WORTH_ANOTHER_TRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_USER_AGENT: Final = f"boxdeck/{__version__}"
_SECRET: Final = "authorization"
_ERROR_NUMBER: Final = re.compile(r"^\[Errno -?\d+\] ")  # of the kernel's or the resolver's, whose words suffice
_CONNECTED: Final = ("connection.connect_tcp.complete", "connection.start_tls.complete")

NONSENSE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading JSON of somebody else's may raise."""

Pause = Callable[[float], None]


class Transport:
    """Requests to one host.

    Args:
        host: with its port, such as ``localhost:5000``.
        insecure: whether its certificate isn't checked, and plain HTTP will do.
        pause: sleeps; raises to give up.
    """

    def __init__(self, host: str, insecure: bool = False, pause: Pause = time.sleep) -> None:
        self.host = host
        self._pause = pause
        self._may_be_plain = insecure or is_loopback(host)
        self._scheme = ""
        self._scheme_lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._hung_up = False
        self._insecure = insecure
        self._plain = _client(verify=False)
        self._secure: httpx.Client | None = None
        self._secure_lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        self._plain.close()
        if self._secure is not None:
            self._secure.close()

    def hang_up(self) -> None:
        """Let all threads that wait for the other side know that nothing comes; may be called from any thread."""
        self._hung_up = True
        for each in tuple(self._sockets):
            _end(each)

    def _remember(self, event: str, told: dict[str, Any]) -> None:
        """Know the sockets that httpcore opens (its "trace" extension)."""
        if event in _CONNECTED:
            opened = told["return_value"].get_extra_info("socket")
            self._sockets.add(opened)
            if self._hung_up:
                _end(opened)

    @property
    def speaks_plainly(self) -> bool:
        """Whether this host is spoken to without TLS."""
        return self._found_scheme() == "http"

    @contextmanager
    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | Callable[[], Iterator[bytes]] | None = None,
    ) -> Iterator[httpx.Response]:
        """One request, its answer not yet read; tried again while the other side is busy or can't be reached.

        Args:
            target: a path on this host, or the whole address of something elsewhere.
            content: a body, or what makes a fresh iterator over it for each try.

        Raises:
            RegistryError: the registry can't be reached.
        """
        response = self._persist(method, target, dict(headers or {}), content)
        try:
            yield response
        finally:
            response.close()

    def _persist(
        self, method: str, target: str, headers: dict[str, str], content: bytes | Callable[[], Iterator[bytes]] | None
    ) -> httpx.Response:
        for attempt in range(1, _TRIES + 1):
            try:
                response = self._redirected(method, target, headers, content)
            except httpx.TransportError as error:
                if attempt >= _TRIES_TO_CONNECT or _is_final(error) or _has_no_address(error):
                    raise unreachable(self.host, error) from error
                self._pause(pause_seconds(attempt))
                continue
            if response.status_code not in _WORTH_ANOTHER_TRY or attempt == _TRIES:
                return response
            wanted = response.headers.get("retry-after", "")
            response.close()
            self._pause(min(float(wanted), _LONGEST_PAUSE_SECONDS) if wanted.isdecimal() else pause_seconds(attempt))
        raise AssertionError("the last try returns or raises")

    def _redirected(
        self, method: str, target: str, headers: dict[str, str], content: bytes | Callable[[], Iterator[bytes]] | None
    ) -> httpx.Response:
        url = self._address(target)
        for _ in range(_MAXIMUM_REDIRECTS):
            body = content() if callable(content) else content
            client = self._client_for(url)
            response = client.send(
                client.build_request(method, url, headers=headers, content=body, extensions={"trace": self._remember}),
                stream=True,
            )
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                return response
            there = str(response.url.join(response.headers["location"]))
            response.close()
            if not self._may_lead(url, there):
                raise RegistryError(f"{self.host} sends us to {there[:100]}, which isn't safe", "ask its operator")
            if urlsplit(there).netloc != urlsplit(url).netloc:
                headers = {name: value for name, value in headers.items() if name.lower() != _SECRET}
            url = there
        raise RegistryError(f"{self.host} sends us from one place to the next", "ask its operator")

    def _may_lead(self, here: str, there: str) -> bool:
        """Never from TLS to plain text, and only to what can be an address."""
        scheme = urlsplit(there).scheme
        return scheme == "https" or (scheme == "http" and urlsplit(here).scheme == "http")

    def _client_for(self, url: str) -> httpx.Client:
        """Reading the machine's certificate authorities takes longer than a request: only where they are needed."""
        if urlsplit(url).scheme != "https":
            return self._plain
        with self._secure_lock:
            if self._secure is None:
                self._secure = _client(_context(self.host, self._insecure))
            return self._secure

    def _address(self, target: str) -> str:
        if "://" in target:
            return target
        return f"{self._found_scheme()}://{self.host}{target}"

    def _found_scheme(self) -> str:
        """https, but for loopback and insecure hosts that don't speak it."""
        with self._scheme_lock:  # the other threads then know it, too
            if not self._scheme:
                self._scheme = "http" if self._may_be_plain and not self._speaks_tls() else "https"
        return self._scheme

    def _speaks_tls(self) -> bool:
        """Whether it does with any certificate: who it is, is looked at before anything is asked or told."""
        try:
            self._plain.get(f"https://{self.host}/v2/", extensions={"trace": self._remember})
        except httpx.TransportError:
            return False
        return True


def _client(verify: ssl.SSLContext | bool) -> httpx.Client:
    limits = httpx.Limits(max_keepalive_connections=8)
    return httpx.Client(verify=verify, timeout=_TIMEOUT, limits=limits, headers={"User-Agent": _USER_AGENT})


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # an SSLSocket's own would disturb its reader


def read_body(response: httpx.Response, limit: int, host: str) -> bytes:
    """The body of an answer, but no more than a byte beyond a limit, and nothing that drips in for ever.

    Raises:
        RegistryError: it breaks off, or takes too long.
    """
    data = bytearray()
    deadline = time.monotonic() + _BODY_SECONDS
    try:
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > limit:
                break
            if time.monotonic() > deadline:
                raise RegistryError(f"the registry {host} answers too slowly", "try again later")
    except httpx.TransportError as error:
        raise unreachable(host, error) from error
    except httpx.DecodingError as error:
        raise RegistryError(f"the registry {host} answers with nonsense ({error})", "check its name") from error
    return bytes(data[: limit + 1])


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: what is said to it stays here."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def pause_seconds(attempt: int) -> float:
    """How long to wait after the nth try, the first being 1: doubling, and not all clients at the same moment."""
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), _LONGEST_PAUSE_SECONDS) * random.uniform(0.7, 1.3)


def unreachable(host: str, error: httpx.TransportError) -> RegistryError:
    """What to say when a request got no answer."""
    if isinstance(error, httpx.TimeoutException):
        return RegistryError(f"the registry {host} doesn't answer in time", "try again later")
    reason = str(error) or type(error).__name__
    if _is_final(error):
        return RegistryError(
            f"the certificate of the registry {host} isn't trusted ({reason})",
            f"put its authority's into {CERTIFICATES[0]}/{host}/ca.crt",
        )
    reason = _ERROR_NUMBER.sub("", reason)
    return RegistryError(f"the registry {host} can't be reached ({reason})", "check its name and the network")


def _has_no_address(error: httpx.TransportError) -> bool:
    """Whether the name itself leads nowhere, which takes long enough to find out once."""
    return any(isinstance(cause, socket.gaierror) for cause in _causes(error))


def _is_final(error: httpx.TransportError) -> bool:
    """Whether the other side speaks TLS with a certificate that isn't trusted: trying again can't help."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _context(host: str, insecure: bool) -> ssl.SSLContext:
    """The machine's certificate authorities, and those that podman and docker know for this host."""
    context = ssl.create_default_context()
    for folder in CERTIFICATES:
        for path in sorted((folder / host).glob("*.crt")):
            context.load_verify_locations(path)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

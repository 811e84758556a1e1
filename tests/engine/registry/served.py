"""A registry that serves an OCI layout as the distribution specification says, and breaks its word where told to."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Twist = Callable[["Handler"], bool]
"""Answers a request itself and says True, or leaves it to the registry."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Served

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        if self.server.twist is not None and self.server.twist(self):
            return None
        kind, _, name = self.path.removeprefix("/v2/").partition("/")[2].partition("/")
        if kind == "manifests" and name in self.server.tags:
            name = self.server.tags[name]
        path = self.server.folder / "blobs" / "sha256" / name.removeprefix("sha256:")
        if kind not in ("manifests", "blobs") or not path.is_file():
            return self.answer(404, b"{}")
        data = path.read_bytes()
        media_type = self.server.types.get(name, "application/octet-stream")
        if start := self.start():
            ranges = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            return self.answer(206, data[start:], media_type, **ranges)
        return self.answer(200, data, media_type)

    def do_POST(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        if self.server.twist is None or not self.server.twist(self):
            self.answer(404, b"{}")

    def body(self) -> bytes:
        """What was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def start(self) -> int:
        """Where the wanted range begins."""
        wanted = self.headers.get("Range", "bytes=0-")
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def answer(self, status: int, data: bytes = b"", media_type: str = "application/json", **headers: str) -> None:
        self.begin(status, len(data), media_type, **headers)
        self.wfile.write(data)

    def begin(self, status: int, length: int, media_type: str = "application/octet-stream", **headers: str) -> None:
        """The head of an answer, which may promise more than comes."""
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self) -> None:
        """Leave in the middle."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *arguments: Any) -> None:
        return


class Served(ThreadingHTTPServer):
    """Listens on loopback from the start.

    Attributes:
        tags: the digest of a manifest or index, by tag.
        types: media types by digest.
        seen: paths and headers of all requests.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.tags: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.twist: Twist | None = None
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def tag(self, descriptor: dict[str, Any], tag: str = "latest") -> str:
        """Give a manifest a tag; what the image is called then."""
        self.tags[tag] = descriptor["digest"]
        for known in self.folder.glob("blobs/sha256/*"):
            text = known.read_bytes()[:200]
            if b"image.index.v1" in text or b'"manifests"' in text:
                self.types[f"sha256:{known.name}"] = "application/vnd.oci.image.index.v1+json"
            elif b"image.manifest.v1" in text:
                self.types[f"sha256:{known.name}"] = "application/vnd.oci.image.manifest.v1+json"
        return f"{self.host}/image:{tag}"

    def paths(self, kind: str = "") -> list[str]:
        return [path for path, _ in self.seen if f"/{kind}" in path]

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

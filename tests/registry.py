"""Debian's docker-registry on a free port of loopback, as tests need it: open, with passwords, with TLS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

USER, PASSWORD = "somebody", "a secret"
_HASHED = "$2b$04$H8c0dIZHiJ.RBZdBpAXxhOSf88RwIvNImjCwzFxguD/0rJ2fhzsIa"  # the password, by bcrypt
_UNPACKED = Path(__file__).parent.parent / "build" / "peers" / "registry" / "usr" / "bin"  # by .ci/setup test


class DockerRegistry:
    """A registry that runs until it is closed.

    Args:
        folder: for its configuration and what is pushed to it.
        passwords: whether it wants to know who one is.
        tls: whether it speaks TLS, with a certificate of its own making.
    """

    def __init__(self, folder: Path, passwords: bool = False, tls: bool = False) -> None:
        program = shutil.which("docker-registry", path=f"{_UNPACKED}:{os.environ['PATH']}")
        if program is None:
            pytest.skip("docker-registry isn't installed: run .ci/setup test")
        folder.mkdir(parents=True, exist_ok=True)
        self._program = program
        self.folder = folder
        self.log = folder / "log"
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.certificate = _make_certificate(folder) if tls else None
        self._config = folder / "config.yml"
        self._config.write_text(self._describe(passwords))
        self._process = self._start()

    def reference(self, name: str) -> str:
        """What an image here is called."""
        return f"{self.host}/{name}"

    def blob(self, digest: str) -> Path:
        """The file that a blob is in."""
        algorithm, _, hexadecimal = digest.partition(":")
        return self.folder / "docker/registry/v2/blobs" / algorithm / hexadecimal[:2] / hexadecimal / "data"

    def requests(self) -> list[str]:
        """Methods and paths of all requests that were answered, in order."""
        lines = [line for line in self.log.read_text().splitlines() if '"HTTP/1.1"' in line or "HTTP/1.1" in line]
        return [" ".join(line.split('"')[1].split()[:2]) for line in lines if line.count('"') > 1 and "/v2/" in line]

    def close(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    def _describe(self, passwords: bool) -> str:
        config: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(self.folder)}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{self.port}"},
        }
        if self.certificate is not None:
            config["http"] = {
                "addr": f"127.0.0.1:{self.port}",
                "tls": {"certificate": str(self.certificate), "key": str(self.certificate.with_suffix(".key"))},
            }
        if passwords:
            path = self.folder / "htpasswd"
            path.write_text(f"{USER}:{_HASHED}\n")
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(path)}}
        return json.dumps(config)  # which is YAML

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [self._program, "serve", str(self._config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=_environment(),
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while not _accepts(self.port):
            assert process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return process


def _environment() -> dict[str, str]:
    """Ours but for what it would take as its configuration, above all where credentials are kept."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return {**ours, "OTEL_TRACES_EXPORTER": "none"}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _make_certificate(folder: Path) -> Path:
    path = folder / "server.crt"
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-keyout", str(path.with_suffix(".key")), "-out", str(path), "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return path

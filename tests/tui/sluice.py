"""A slow line to a server on loopback: so many bytes a second come back through it until it is opened."""

from __future__ import annotations

import socket
import threading
import time

_PIECE_BYTES = 16_384


class Sluice:
    """Listens on a free port of loopback and passes everything on until it is closed.

    Args:
        port: of the server.
        bytes_per_second: of each connection, on the way back.
    """

    def __init__(self, port: int, bytes_per_second: int) -> None:
        self._target, self._pause_seconds = port, _PIECE_BYTES / bytes_per_second
        self._is_open = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        """Let everything through as fast as it comes."""
        self._is_open.set()

    def close(self) -> None:
        """Take no more connections."""
        self._is_open.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._pass_on, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(far, near, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, to: socket.socket, slowly: bool) -> None:
        try:
            while piece := source.recv(_PIECE_BYTES):
                to.sendall(piece)
                if slowly and not self._is_open.is_set():
                    time.sleep(self._pause_seconds)
        except OSError:
            pass
        finally:
            for end in (source, to):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    end.close()

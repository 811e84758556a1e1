"""The options of everything that connects a terminal to a container."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

from engine.cli.command import Options, Parser
from engine.cli.terminal import DETACH_KEYS

STREAMS = ("stdin", "stdout", "stderr")
_CONTROL = re.compile(r"ctrl-([a-z@\[\\\]^_])")


class AttachmentOptions(Options):
    """How a session is left, and whether it passes signals on."""

    detach_keys: bytes
    sig_proxy: bool = True


def detach_argument(parser: Parser) -> None:
    """Add ``--detach-keys``."""
    parser.add_argument(
        "--detach-keys", metavar="KEYS", type=detach_keys, default=DETACH_KEYS,
        help="what leaves it running, such as ctrl-a,d [ctrl-p,ctrl-q]",
    )  # fmt: skip


def proxy_argument(parser: Parser) -> None:
    """Add ``--sig-proxy``."""
    words = "pass signals on to it where it has no terminal; --sig-proxy=false for not [true]"
    parser.add_argument("--sig-proxy", action="store_true", default=True, help=words)


def stream(text: str) -> str:
    """``stdin``, ``stdout`` or ``stderr``, in small letters or large."""
    if text.lower() not in STREAMS:
        raise ArgumentTypeError(f"{text!r} is no stream; write stdin, stdout or stderr")
    return text.lower()


def detach_keys(text: str) -> bytes:
    """Keys, such as ``ctrl-p,ctrl-q`` or ``a``; nothing for none."""
    return b"".join(_key(word) for word in text.split(",")) if text else b""


def _key(word: str) -> bytes:
    if len(word) == 1 and word.isascii() and word.isprintable():
        return word.encode()
    if (control := _CONTROL.fullmatch(word.lower())) is None:
        raise ArgumentTypeError(f"{word!r} is no key; write one letter, or ctrl- and a letter or one of @[\\]^_")
    return bytes([ord(control[1].upper()) & 0x1F])

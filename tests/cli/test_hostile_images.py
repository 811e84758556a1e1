"""Images with words that terminals would obey, wherever an image may have words: none of them does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_terminal import Terminal
from tests.command_line import Answer, CommandLine
from tests.engine.images.conftest import Layout

NAME = "hostile:1"
ESCAPES = "\x1b]0;evil\x07\x1b[31m\x9b2J\u202eevil\r\n\x00\x7f"
HARMLESS = "\n\t"


def check_words(answer: Answer) -> None:
    """No traceback, no bug, and nothing that a terminal obeys."""
    for text in (answer.out, answer.err):
        assert all(letter.isprintable() or letter in HARMLESS for letter in text), text
    assert "Traceback" not in answer.err and "bug" not in answer.err


@pytest.fixture
def told(boxdeck: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    """With an image that has such words wherever an image may have words."""
    layout = Layout(tmp_path / "layout")
    document = json.loads((layout.folder / "blobs/sha256" / layout.image(bytes(1024))["digest"][7:]).read_bytes())  # type: ignore[index]
    config = json.loads((layout.folder / "blobs/sha256" / document["config"]["digest"][7:]).read_bytes())
    config |= {
        "author": ESCAPES, "variant": ESCAPES, "os.version": ESCAPES,
        "config": {
            "Labels": {f"a{ESCAPES}": ESCAPES}, "Env": [f"A={ESCAPES[:9]}"], "User": "", "Cmd": [ESCAPES[:9], "x"],
            "WorkingDir": "/\x1b[31m", "StopSignal": "SIGTERM",
        },
        "history": [{"created_by": f"RUN {ESCAPES}", "comment": ESCAPES, "author": ESCAPES, "created": ESCAPES}],
    }  # fmt: skip
    document["config"] = layout.document(config, document["config"]["mediaType"])
    document["annotations"] = {ESCAPES: ESCAPES}
    image = layout.document(document, "application/vnd.oci.image.manifest.v1+json")
    layout.finish({**image, "annotations": {"org.opencontainers.image.ref.name": NAME, ESCAPES: ESCAPES}})
    check_words(boxdeck("load", str(layout.folder)))
    yield boxdeck
    boxdeck.remove_all()
    boxdeck("rmi", "-f", NAME)


SHOWN = (
    ("images",), ("images", "--no-trunc"), ("images", "--format", "json"), ("image", "inspect", NAME),
    ("image", "inspect", "-f", "{{.Config.Labels}} {{json .Config}}", NAME), ("history", NAME),
    ("history", "--no-trunc", NAME), ("history", "--format", "json", NAME),
    ("history", "--format", "{{.CreatedBy}} {{json .Comment}} {{json .}}", NAME), ("image", "layers", NAME),
    ("image", "layers", "--no-trunc", NAME), ("image", "tree", "-L", "0", NAME), ("images", "-q"),
    ("inspect", "made"), ("inspect", "-f", "{{json .}}", "made"), ("ps", "-a", "--no-trunc"),
    ("ps", "-a", "--format", "{{json .}} {{.Command}}"), ("events", "--since", "1h", "--until", "0s"),
)  # fmt: skip


@pytest.mark.timeout(600)
def test_no_words_of_an_image_reach_the_terminal_alive(told: CommandLine) -> None:
    told("create", "--name", "made", NAME)
    for arguments in SHOWN:
        answer = told(*arguments)
        assert answer.status in (0, 125), (arguments, answer.err)
        check_words(answer)
    terminal = Terminal([*told.argv, "history", "--no-trunc", NAME])
    try:
        terminal.expect(rb"RUN \?")
        assert terminal.end() == 0
        assert b"\x1b]" not in terminal.seen and b"\xc2\x9b" not in terminal.seen
    finally:
        terminal.close()

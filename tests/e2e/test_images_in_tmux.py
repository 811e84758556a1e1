"""Images and files, as a person looks for them in a real terminal."""

from __future__ import annotations

import pytest

from tests.command_line import CommandLine
from tests.conftest import OpenApp

pytestmark = pytest.mark.apart


def test_the_layer_of_a_file_is_found(boxdeck: CommandLine, open_app: OpenApp) -> None:
    boxdeck.ok("run", "-d", "--name", "scribe", "base", "sh", "-c", "echo y >> /etc/passwd; sleep 1000")
    app = open_app()
    app.wait_for("scribe", "1 of 1 running")
    app.press("f")
    app.wait_for("files of scribe", "changes of its own layer", "passwd")
    app.press("/")
    app.type("passwd")
    app.wait_for("1 found")
    app.press("End")
    app.wait_for("/etc/passwd · file", "from     the container's own layer", "hides    layer 1")
    boxdeck.ok("exec", "scribe", "rm", "/etc/passwd")
    app.wait_for("gone by  the container's own layer")
    app.press("2")
    app.wait_for("base:latest", "1 / 1", "assembled by", gone="files of scribe")
    app.press("Enter", "Enter", "End")
    app.wait_for("/var · folder")
    app.press("d")
    app.wait_for("remove base:latest", "scribe uses it")
    app.press("Escape")
    app.wait_for("/var · folder", gone="scribe uses it")

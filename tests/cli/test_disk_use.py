"""How much each container, image and volume takes: ``ps --size``, ``inspect --size``, ``system df --verbose``."""

from __future__ import annotations

import re

import pytest

from tests.command_line import CommandLine

pytestmark = pytest.mark.apart

WRITE = "dd if=/dev/zero of=/file bs=1M count=3 2>/dev/null; dd if=/dev/zero of=/data/file bs=1M count=2 2>/dev/null"


def test_what_was_written_is_told_where_it_is_asked_for(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "writer", "-v", "mine:/data", "base", "sh", "-c", WRITE)
    (row,) = boxdeck("ps", "-as", "--format", "json").json
    assert re.fullmatch(r"3\.1\d*MB \(virtual \d+(\.\d+)?MB\)", row["Size"])
    assert boxdeck.ok("ps", "-a", "--format", "{{.Names}} {{.Size}}").startswith("writer 3.1")
    assert boxdeck.ok("ps", "-as").splitlines()[0].endswith("NAMES    SIZE")
    assert "SIZE" not in boxdeck.ok("ps", "-a") and boxdeck("ps", "-a", "--format", "json").json[0]["Size"] == ""
    (document,) = boxdeck("inspect", "--size", "writer").json
    assert 3 << 20 <= document["SizeRw"] < 4 << 20 and document["SizeRootFs"] > document["SizeRw"] + 1_000_000
    assert "SizeRw" not in boxdeck("inspect", "writer").json[0]
    assert boxdeck.ok("inspect", "-s", "-f", "{{.SizeRw}}", "writer") == str(document["SizeRw"])

    text = boxdeck.ok("system", "df", "-v")
    assert re.search(r"(?m)^base +latest +[0-9a-f]{12} .* 0B +\S+B +1$", text)
    assert re.search(r'(?m)^[0-9a-f]{12} +base +"sh .* 1 +3\.\d+MB .*Exited \(0\).* writer$', text)
    assert re.search(r"(?m)^mine +1 +2\.1\d*MB$", text)
    found = boxdeck("system", "df", "-v", "--format", "json").json
    assert [volume["Links"] for volume in found["Volumes"]] == ["1"] and len(found["Containers"]) == 1
    boxdeck.ok("rm", "writer")
    boxdeck.ok("volume", "rm", "mine")

"""``boxdeck config``: where settings are, what they are, and whether they are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import CommandLine


def test_settings_are_shown_with_their_origin_and_checked(
    boxdeck: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOXDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "boxdeck" / "config.toml"
    assert boxdeck.ok("config", "path") == str(own)
    assert "everything is as shipped" in boxdeck.ok("config", "check")
    own.parent.mkdir()
    own.write_text('\ntheme = "nord"\n')
    assert boxdeck.ok("config", "check") == f"{own} is right"
    rows = {line.split()[0]: line.split()[1:] for line in boxdeck.ok("config", "show").splitlines()}
    assert rows["theme"] == ['"nord"', f"{own}:2"] and rows["registries.limits.layer_depth"] == ["256", "default"]
    own.write_text("theme = 3\nshel = 4\n")
    checked = boxdeck("config", "check")
    assert checked.status == 1 and [line.split(": ")[0] for line in checked.lines] == [f"{own}:1", f"{own}:2"]
    assert boxdeck("config", "show").sentence.startswith(f"boxdeck: {own}:1: theme can't be 3: it must be text")

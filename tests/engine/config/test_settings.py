"""Settings: what files say, what is wrong about it, and where each value is from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import effective, places
from engine.config.model import Config
from engine.config.reading import load, read
from engine.errors import InvalidRequest

GOOD = """theme = "boxdeck-light"
shell = ["sh", "-l"]

[keys]
preset = "k9s"
container.stop = "x"
"container.remove" = "X"

[registries]
insecure = ["registry.lan:5000"]
mirrors."docker.io" = ["mirror.lan"]

[registries.limits]
layer_depth = 12
"""


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A person's file; the machine's isn't there."""
    monkeypatch.delenv("BOXDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(places, "MACHINE_FILE", tmp_path / "machine.toml")
    places.config_folder().mkdir()
    return places.own_file()


def test_without_a_file_settings_are_the_defaults(own: Path) -> None:
    assert load() == Config() and not own.exists()


def test_settings_are_read_and_know_their_lines(own: Path) -> None:
    own.write_text(GOOD)
    config = load()
    assert (config.theme, config.shell) == ("boxdeck-light", ("sh", "-l"))
    assert config.keys == {"preset": "k9s", "container.stop": "x", "container.remove": "X"}
    assert config.registries.insecure == ("registry.lan:5000",)
    assert config.registries.mirrors == {"docker.io": ("mirror.lan",)}
    assert config.registries.limits.layer_depth == 12 and config.registries.limits.layer_ratio == 200
    shown = {row.setting: (row.value, row.origin) for row in effective.rows(read())}
    assert shown["theme"] == ('"boxdeck-light"', f"{own}:1")
    assert shown["keys.container.stop"] == ('"x"', f"{own}:6")
    assert shown["registries.mirrors.docker.io"] == ('["mirror.lan"]', f"{own}:11")
    assert shown["registries.limits.layer_depth"] == ("12", f"{own}:14")
    assert shown["registries.limits.layer_ratio"] == ("200", "default")


def test_a_persons_settings_go_before_the_machines_one_by_one(own: Path) -> None:
    places.MACHINE_FILE.write_text('theme = "nord"\n[keys]\ncontainer.stop = "y"\ncontainer.start = "Y"\n')
    own.write_text('[keys]\ncontainer.stop = "x"\n')
    config = load()
    assert config.theme == "nord" and config.keys == {"container.stop": "x", "container.start": "Y"}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('them = "nord"', 1, "there is no setting them; did you mean theme?"),
        ('insecure = ["a"]', 1, "there is no setting insecure; did you mean registries.insecure?"),
        (
            "zzz = 1",
            1,
            "there is no setting zzz; there are theme, shell, interval_seconds, ",
        ),
        ("\ntheme = 3", 2, "theme can't be 3; it must be text in quotes"),
        ('shell = "sh"', 1, """shell can't be "sh"; it must be a list of texts in quotes, such as ["a", "b"]"""),
        ("interval_seconds = 0", 1, "interval_seconds can't be 0; it must be a whole number from 1 to 60"),
        ("keys = 1", 1, "keys is a table, not 1; write it as [keys]"),
        ("[keys]\ncontainer.stop = true", 2, "keys.container.stop can't be true; it must be text in quotes"),
        ("[registries.limits]\nlayer_depth = 0", 2, "can't be 0; it must be a whole number of at least 1"),
        ("\n\ntheme =", 3, "it isn't TOML (invalid value); correct that line"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(own: Path, text: str, line: int, says: str) -> None:
    own.write_text(text)
    (mistake,) = read().mistakes
    assert str(mistake).startswith(f"{own}:{line}: ") and says in str(mistake) and "\n" not in str(mistake)
    with pytest.raises(InvalidRequest, match=f"config.toml:{line}: "):
        load()


def test_what_is_right_beside_a_mistake_is_read_and_all_mistakes_are_counted(own: Path) -> None:
    own.write_text('theme = "nord"\nshel = ["sh"]\nkeys = 3\n')
    settings = read()
    assert settings.config == Config(theme="nord") and len(settings.mistakes) == 2
    with pytest.raises(InvalidRequest, match=r"did you mean shell.*boxdeck config check shows 1 more"):
        load()

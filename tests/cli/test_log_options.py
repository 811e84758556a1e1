"""``--log-opt`` and what comes of it."""

from __future__ import annotations

import pytest

from engine.cli.log_options import driver, log_config
from engine.errors import InvalidRequest
from tests.command_line import CommandLine, eventually


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), (10 << 20, 3)),
        (("max-size=1m",), (1 << 20, 3)),
        (("max-size=200k", "max-file=1"), (200 << 10, 1)),
        (("max-file=5", "max-file=7"), (10 << 20, 7)),
    ],
)
def test_sizes_and_numbers(words: tuple[str, ...], expected: tuple[int, int]) -> None:
    config = log_config("file", words)
    assert (config.max_bytes, config.max_files) == expected


@pytest.mark.parametrize(
    "word", ["max-size=much", "max-file=few", "max-file=-1", "labels=", "label=x", "max-size", "compress=maybe", ""]
)
def test_what_can_t_be_meant_is_refused(word: str) -> None:
    with pytest.raises(InvalidRequest):
        log_config("file", [word])


def test_a_log_is_as_large_as_was_asked_for_and_its_end_is_shown(boxdeck: CommandLine) -> None:
    script = (
        "i=0; while [ $i -lt 6000 ]; do echo $i some more words to fill a line that is long enough; i=$((i+1)); done"
    )
    boxdeck.ok(
        "run", "--name", "small", "--log-opt", "max-size=128k", "--log-opt", "max-file=2", "base", "sh", "-c", script
    )
    (folder,) = (boxdeck.paths.root / "containers").iterdir()
    sizes = {path.name: path.stat().st_size for path in folder.glob("log*")}
    assert set(sizes) in ({"log", "log.1"}, {"log", "log.1.gz"}) and max(sizes.values()) <= 128 << 10
    lines = [int(line.split()[0]) for line in boxdeck.ok("logs", "small").splitlines()]
    assert lines == list(range(lines[0], 6000)) and 0 < lines[0] < 5000
    assert boxdeck.ok("logs", "--tail", "2", "small").splitlines()[0].startswith("5998 ")


def test_a_log_that_is_too_small_is_one_sentence(boxdeck: CommandLine) -> None:
    refused = boxdeck("run", "--rm", "--log-opt", "max-size=1k", "base", "true")
    assert refused.status == 125 and "let max-size be at least 128k" in refused.sentence


FILL = "i=0; while [ $i -lt 6000 ]; do echo $i some more words to fill a line that is long enough; i=$((i+1)); done"
STAY = f"{FILL}; echo filled; exec sleep 1000"


def log_files(boxdeck: CommandLine) -> dict[str, int]:
    (folder,) = (boxdeck.paths.root / "containers").iterdir()
    return {path.name: path.stat().st_size for path in folder.glob("log*")}


def test_full_files_are_compressed_soon_and_read_as_before(boxdeck: CommandLine) -> None:
    options = ("--log-opt", "max-size=128k", "--log-opt", "max-file=3")
    boxdeck.ok("run", "-d", "--name", "full", *options, "base", "sh", "-c", STAY)
    assert eventually(lambda: set(log_files(boxdeck)) == {"log", "log.1.gz", "log.2.gz"}), log_files(boxdeck)
    assert log_files(boxdeck)["log.1.gz"] < 64 << 10
    *lines, last = boxdeck.ok("logs", "full").splitlines()
    numbers = [int(line.split()[0]) for line in lines]
    assert numbers == list(range(numbers[0], 6000)) and last == "filled"
    assert boxdeck.ok("logs", "--tail", "4000", "full").splitlines() == [*lines, last][-4000:]


def test_they_can_be_left_as_they_are(boxdeck: CommandLine) -> None:
    options = ("--log-opt", "max-size=128k", "--log-opt", "compress=false")
    boxdeck.ok("run", "-d", "--name", "plain", *options, "base", "sh", "-c", STAY)
    assert eventually(lambda: boxdeck.ok("logs", "-n", "1", "plain") == "filled")
    assert not eventually(lambda: any(name.endswith(".gz") for name in log_files(boxdeck)), 2.5)
    config = boxdeck("inspect", "plain").json[0]["HostConfig"]["LogConfig"]
    assert config == {"Type": "file", "Config": {"max-size": "131072", "max-file": "3", "compress": "false"}}


def test_a_container_may_keep_no_log(boxdeck: CommandLine) -> None:
    heard = boxdeck.ok("run", "--name", "silent", "--log-driver", "none", "base", "echo", "heard by viewers")
    assert heard == "heard by viewers" and log_files(boxdeck) == {}
    refused = boxdeck("logs", "silent")
    assert refused.status != 0 and "keeps no log of its own (--log-driver none)" in refused.sentence


@pytest.mark.parametrize(("name", "ours"), [("json-file", "file"), ("local", "file"), ("journald", "journald")])
def test_docker_s_names_are_known(name: str, ours: str) -> None:
    assert driver(name) == ours


def test_other_drivers_are_refused_in_one_sentence(boxdeck: CommandLine) -> None:
    refused = boxdeck("run", "--log-driver", "syslog", "base", "true")
    assert refused.status == 125 and "choose file, none or journald" in refused.err
    refused = boxdeck("run", "--log-driver", "none", "--log-opt", "max-size=1m", "base", "true")
    assert "the log driver none has no option 'max-size'" in refused.sentence


def test_details_are_the_labels_and_variables_that_were_named(boxdeck: CommandLine) -> None:
    named = ("--log-opt", "labels=tier,none", "--log-opt", "env=COLOUR,PATH_X")
    words = ("-l", "tier=web & more", "-l", "other=1", "-e", "COLOUR=red")
    boxdeck.ok("run", "--name", "one", *named, *words, "base", "echo", "said")
    boxdeck.ok("run", "--name", "two", "base", "echo", "said")
    assert boxdeck.ok("logs", "--details", "one") == "COLOUR=red,tier=web+%26+more said"
    assert boxdeck.ok("logs", "-t", "--details", "one").endswith("Z COLOUR=red,tier=web+%26+more said")
    assert boxdeck.ok("logs", "--details", "two") == " said" and boxdeck.ok("logs", "one") == "said"
    shown = boxdeck.ok("inspect", "-f", "{{json .HostConfig.LogConfig.Config}}", "one")
    assert '"labels":"tier,none"' in shown and '"env":"COLOUR,PATH_X"' in shown

"""``--log-opt`` and what comes of it."""

from __future__ import annotations

import pytest

from engine.cli.log_options import log_limits
from engine.errors import InvalidRequest
from tests.command_line import CommandLine


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
    assert log_limits(words) == expected


@pytest.mark.parametrize("word", ["max-size=much", "max-file=few", "max-file=-1", "labels=x", "max-size", ""])
def test_what_can_t_be_meant_is_refused(word: str) -> None:
    with pytest.raises(InvalidRequest):
        log_limits([word])


def test_a_log_is_as_large_as_was_asked_for_and_its_end_is_shown(boxdeck: CommandLine) -> None:
    script = (
        "i=0; while [ $i -lt 6000 ]; do echo $i some more words to fill a line that is long enough; i=$((i+1)); done"
    )
    boxdeck.ok(
        "run", "--name", "small", "--log-opt", "max-size=128k", "--log-opt", "max-file=2", "base", "sh", "-c", script
    )
    (folder,) = (boxdeck.paths.root / "containers").iterdir()
    sizes = {path.name: path.stat().st_size for path in folder.glob("log*")}
    assert set(sizes) == {"log", "log.1"} and max(sizes.values()) <= 128 << 10
    lines = [int(line.split()[0]) for line in boxdeck.ok("logs", "small").splitlines()]
    assert lines == list(range(lines[0], 6000)) and 0 < lines[0] < 5000
    assert boxdeck.ok("logs", "--tail", "2", "small").splitlines()[0].startswith("5998 ")


def test_a_log_that_is_too_small_is_one_sentence(boxdeck: CommandLine) -> None:
    refused = boxdeck("run", "--rm", "--log-opt", "max-size=1k", "base", "true")
    assert refused.status == 125 and "let max-size be at least 128k" in refused.sentence

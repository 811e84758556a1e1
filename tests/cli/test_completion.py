"""Completion: what may come next, asked by real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.command_line import PROGRAM, CommandLine

_BASH = """
eval "$(boxdeck completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1)
_boxdeck
printf '%s\\n' "${COMPREPLY[@]}"
"""

# An interactive shell in a terminal of its own, in which somebody types and presses the tab key (zshmodules(1), zpty).
_ZSH = r"""
export TERM=dumb
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -U compinit; compinit -u -D; eval "$(boxdeck completion zsh)"; echo rea""dy'
zpty -r -m shell seen '*ready*'
zpty -n -w shell "$1"$'\t'
zpty -r -m shell seen "*$2*" && print completed
zpty -d shell
"""


def words(boxdeck: CommandLine, line: str) -> list[str]:
    return [found.partition("\t")[0] for found in boxdeck.ok("completion", "--line", line).splitlines()]


def shell(boxdeck: CommandLine, *argv: str) -> list[str]:
    """What a shell prints in whose path we are, on the root of the test."""
    roots = {"BOXDECK_ROOT": str(boxdeck.paths.root), "BOXDECK_RUNROOT": str(boxdeck.paths.runroot)}
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        argv, env={**os.environ, **roots, "PATH": path}, capture_output=True, text=True, check=True, timeout=60
    )
    return ended.stdout.splitlines()


def test_verbs_options_and_names_are_offered_in_their_places(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "first", "base", "true")
    boxdeck.ok("create", "--name", "second", "base", "true")
    assert words(boxdeck, "boxdeck pau") == ["pause"]
    assert words(boxdeck, "boxdeck rm --fo") == ["--force"]
    assert words(boxdeck, "boxdeck rm ") == words(boxdeck, "boxdeck rm -f first ") == ["first", "second"]
    assert words(boxdeck, "boxdeck container rm f") == ["first"]
    assert words(boxdeck, "boxdeck run --name second ba") == ["base:latest"]
    assert words(boxdeck, "boxdeck logs first ") == []
    assert words(boxdeck, "boxdeck run --network bri") == ["bridge"]
    assert words(boxdeck, "boxdeck run --network=bri") == ["--network=bridge"]
    assert words(boxdeck, "boxdeck run --nothing=bri") == []
    assert words(boxdeck, "boxdeck run --volumes-from se") == ["second"]
    assert words(boxdeck, "boxdeck image pr") == ["prune"]
    assert words(boxdeck, "boxdeck nothing ") == words(boxdeck, "boxdeck rm 'fir") == []


def test_a_root_on_the_line_is_the_one_that_is_looked_into(boxdeck: CommandLine, tmp_path: Path) -> None:
    boxdeck.ok("create", "--name", "here", "base", "true")
    assert words(boxdeck, f"boxdeck --root {tmp_path} rm ") == []
    assert not list(tmp_path.iterdir())
    assert words(boxdeck, f"boxdeck --root={boxdeck.paths.root} rm ") == ["here"]


def test_bash_completes_names_behind_its_own_breaks(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "alone", "base", "true")
    assert shell(boxdeck, "bash", "-c", _BASH, "-", "boxdeck stat") == ["stats"]
    assert shell(boxdeck, "bash", "-c", _BASH, "-", "boxdeck stop al") == ["alone"]
    assert shell(boxdeck, "bash", "-c", _BASH, "-", "boxdeck rmi base:la") == ["latest"]
    assert shell(boxdeck, "bash", "-c", _BASH, "-", "boxdeck run --network=bri") == ["bridge"]


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish isn't here; install it to test its completion")
def test_fish_completes_and_tells_what_words_mean(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "alone", "base", "true")
    ask = "boxdeck completion fish | source; complete -C "
    assert shell(boxdeck, "fish", "-c", ask + "'boxdeck pau'") == ["pause\tfreeze all processes of containers"]
    assert shell(boxdeck, "fish", "-c", ask + "'boxdeck stop al'") == ["alone"]


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh isn't here; install it to test its completion")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("boxdeck pau", "boxdeck pause"), ("boxdeck stop al", "boxdeck stop alone"),
     ("boxdeck rmi base:la", "boxdeck rmi base:latest"), ("boxdeck run --network=b", "boxdeck run --network=bridge")],
)  # fmt: skip
def test_zsh_completes_at_the_tab_key(boxdeck: CommandLine, typed: str, completed: str) -> None:
    boxdeck.ok("create", "--name", "alone", "base", "true")
    assert shell(boxdeck, "zsh", "-f", "-c", _ZSH, "-", typed, completed) == ["completed"]

"""``container prune``, ``system prune`` and ``system df``: what nobody needs goes, and what it took is told."""

from __future__ import annotations

import pytest

from tests.command_line import CommandLine

pytestmark = pytest.mark.apart

WROTE = ("sh", "-c", "head -c 3000000 /dev/urandom > /file")


def test_containers_that_do_not_run_go_and_the_others_stay(boxdeck: CommandLine) -> None:
    over = boxdeck.ok("run", "-d", "--name", "over", "base", *WROTE)
    boxdeck.ok("wait", "over")
    boxdeck.ok("run", "-d", "--name", "alive", "base", "sleep", "1000")
    made = boxdeck.ok("create", "--name", "made", "-l", "keep", "base", "true")
    assert "say so with --force" in boxdeck("container", "prune").sentence
    lines = boxdeck.ok("container", "prune", "-f", "--filter", "label!=keep").splitlines()
    assert lines == [over, "Total reclaimed space: 3MB"] or lines[1].startswith("Total reclaimed space: 3.0")
    assert boxdeck.names("-a") == ["made", "alive"]
    assert boxdeck.ok("container", "prune", "-f", "--filter", "until=1h").splitlines()[0].startswith("Total")
    assert boxdeck.ok("system", "prune", "-f").splitlines()[0] == made
    assert boxdeck.names("-a") == ["alive"]


def test_df_tells_what_is_in_use_and_what_is_not(boxdeck: CommandLine) -> None:
    def rows() -> dict[str, list[str]]:
        template = "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}"
        return {
            line.split()[0]: line.split()[1:] for line in boxdeck.ok("system", "df", "--format", template).splitlines()
        }

    assert rows()["Images"][1] == "0" and rows()["Images"][4] in ("(99%)", "(100%)")
    boxdeck.ok("run", "--name", "writer", "base", *WROTE)
    seen = rows()
    assert seen["Images"][:2] == ["1", "1"] and seen["Images"][3:] == ["0B", "(0%)"]
    assert seen["Containers"][:2] == ["1", "0"] and seen["Containers"][4] == "(100%)"
    assert seen["Containers"][2].startswith("3") and seen["Containers"][2].endswith("MB")
    heading = boxdeck.ok("system", "df").splitlines()[0]
    assert heading.split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]


def test_verbs_can_be_found_under_their_noun(boxdeck: CommandLine) -> None:
    boxdeck.ok("container", "run", "-d", "--name", "one", "base", "sleep", "1000")
    assert boxdeck.ok("container", "ls", "--format", "{{.Names}}") == "one"
    assert boxdeck.ok("container", "rm", "-f", "one") == "one"
    assert "there is no command 'container fly': choose one of ls, run" in boxdeck("container", "fly").sentence

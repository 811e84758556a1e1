"""A verb that does little must not import much: callers wait for every start of the interpreter."""

from __future__ import annotations

import pytest

from tests.test_import_hygiene import HEAVY, among, imported_by

VERBS = ("create", "delete", "events", "exec", "features", "kill", "list", "pause", "ps", "resume", "run", "spec",
    "start", "state", "update")  # fmt: skip
_BIRTH = ("engine.runtime.birth", "engine.runtime.init", "engine.oci.runtime_spec", "ctypes", "pathlib", "shutil")


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_imports_what_only_the_engine_needs(verb: str) -> None:
    found = imported_by(f"import engine.runtime.oci.entry, engine.runtime.oci.command, engine.runtime.oci.{verb}")
    assert among(found, (*HEAVY, "argparse", "dataclasses", "tempfile")) == []


@pytest.mark.parametrize("verb", ["state", "list", "kill", "delete"])
def test_verbs_for_what_exists_import_nothing_of_how_it_comes_to_be(verb: str) -> None:
    found = imported_by(f"import engine.runtime.oci.entry, engine.runtime.oci.command, engine.runtime.oci.{verb}")
    assert among(found, (*_BIRTH, "socket", "engine.cgroups")) == []


def test_what_comes_before_the_sealed_interpreter_is_next_to_nothing() -> None:
    found = imported_by("import engine.runtime.oci.entry, engine.linux.memfd")
    assert among(found, ("typing", "re", "msgspec", "ctypes", "socket", "engine.errors")) == []

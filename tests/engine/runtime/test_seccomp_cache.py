"""Compiled filters as files: what is read back is what was compiled, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.linux import libseccomp
from engine.oci.seccomp_spec import Seccomp, SeccompSyscall
from engine.runtime import seccomp, seccomp_cache, seccomp_profile, seccomp_rules

STRICT = seccomp_profile.default((), "x86_64")
LAX = Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=(SeccompSyscall(names=("acct",), action="SCMP_ACT_ERRNO"),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "seccomp"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Seccomp]:
    """What has been compiled, as against found."""
    made: list[Seccomp] = []
    compiled = seccomp_rules.program_of

    def counted(wanted: Seccomp, library: libseccomp.Library) -> bytes:
        made.append(wanted)
        return compiled(wanted, library)

    monkeypatch.setattr(seccomp_rules, "program_of", counted)
    return made


def test_a_filter_is_compiled_once(folder: Path, compilations: list[Seccomp]) -> None:
    first = seccomp.prepare(STRICT, str(folder))
    assert seccomp.prepare(STRICT, str(folder)) == first == seccomp.prepare(STRICT, None)
    assert len(compilations) == 2  # the last one had no cache


def test_only_we_can_look_into_the_folder(folder: Path) -> None:
    seccomp.prepare(STRICT, str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_whoever_finds_a_filter_compiled_never_loads_libseccomp(folder: Path) -> None:
    code = f"""
from engine.runtime import seccomp, seccomp_profile
assert seccomp.prepare(seccomp_profile.default((), "x86_64"), {str(folder)!r}).program
print("libseccomp" in open("/proc/self/maps").read(), "libcrypto" in open("/proc/self/maps").read())
"""
    said = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]
    assert said == ["True False\n", "False False\n"]


def test_flags_and_who_listens_are_found_with_the_program(folder: Path) -> None:
    for flags in ((), ("SECCOMP_FILTER_FLAG_LOG",), ("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW")):
        wanted = Seccomp(
            default_action="SCMP_ACT_ALLOW",
            flags=flags,
            listener_path="/run/agent.sock",
            syscalls=(SeccompSyscall(names=("acct",), action="SCMP_ACT_NOTIFY"),),
        )
        compiled = seccomp.prepare(wanted, None)
        assert [seccomp.prepare(wanted, str(folder)) for _ in range(2)] == [compiled, compiled]
        assert compiled.notifies and compiled.flags.bit_count() == len(flags)


def test_a_damaged_file_is_compiled_anew(folder: Path) -> None:
    whole = seccomp.prepare(STRICT, str(folder)).program
    (path,) = folder.iterdir()
    content = path.read_bytes()
    for position in (*range(0, 120, 7), len(content) // 2, len(content) - 1):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert seccomp.prepare(STRICT, str(folder)).program == whole
        assert path.read_bytes() == content


@pytest.mark.parametrize("kept", [0, 1, 31, 32, 49, 60, 200, -8, -1])
def test_so_is_one_that_was_cut_short(folder: Path, kept: int) -> None:
    whole = seccomp.prepare(STRICT, str(folder)).program
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:kept])
    assert seccomp.prepare(STRICT, str(folder)).program == whole


def test_another_profiles_file_under_the_name_of_this_one_is_not_taken_for_it(folder: Path, tmp_path: Path) -> None:
    strict = seccomp.prepare(STRICT, str(folder)).program
    (path,) = folder.iterdir()
    seccomp.prepare(LAX, str(tmp_path / "other"))
    (lax,) = (tmp_path / "other").iterdir()
    path.write_bytes(lax.read_bytes())
    assert seccomp.prepare(STRICT, str(folder)).program == strict


def test_what_others_can_write_is_not_read(folder: Path, compilations: list[Seccomp]) -> None:
    seccomp.prepare(STRICT, str(folder))
    (path,) = folder.iterdir()
    path.chmod(0o666)
    seccomp.prepare(STRICT, str(folder))
    assert path.stat().st_mode & 0o777 == 0o600
    folder.chmod(0o777)
    seccomp.prepare(STRICT, str(folder))
    folder.chmod(0o700)
    os.chown(path, 65534, -1)
    seccomp.prepare(STRICT, str(folder))
    assert len(compilations) == 4


def test_a_link_is_not_followed(folder: Path, tmp_path: Path, compilations: list[Seccomp]) -> None:
    seccomp.prepare(STRICT, str(folder))
    (path,) = folder.iterdir()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    seccomp.prepare(STRICT, str(folder))
    assert len(compilations) == 2
    assert not path.is_symlink()


def test_another_libseccomp_makes_another_filter(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "libseccomp.so.2"
    library.write_text("one")
    key = seccomp_cache.key_of(b"content")
    seccomp_cache.file(str(folder), key, bytes(8), str(library))
    assert seccomp_cache.find(str(folder), key) == bytes(8)
    library.write_text("another")
    assert seccomp_cache.find(str(folder), key) is None
    library.unlink()
    assert seccomp_cache.find(str(folder), key) is None


def test_a_folder_that_can_t_be_made_costs_only_time() -> None:
    assert seccomp.prepare(LAX, "/proc/seccomp").program == seccomp.prepare(LAX, None).program


def test_the_oldest_go_when_there_are_many(folder: Path) -> None:
    library = libseccomp.load().path
    keys = [seccomp_cache.key_of(str(number).encode()) for number in range(100)]
    for number, key in enumerate(keys):
        seccomp_cache.file(str(folder), key, bytes(8), library)
        os.utime(folder / key.hex(), (number, number))
    assert len(list(folder.iterdir())) <= 64
    assert seccomp_cache.find(str(folder), keys[0]) is None
    assert seccomp_cache.find(str(folder), keys[-1]) == bytes(8)

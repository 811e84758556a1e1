"""A container under an AppArmor profile, where the kernel has AppArmor and the machine can load one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.model import ContainerRequest, ExecRequest
from engine.options import Security
from tests.engine.attacks.inside import output

PARSER = shutil.which("apparmor_parser", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
PROFILE = "boxdeck-test"
TEXT = f"""
profile {PROFILE} flags=(attach_disconnected, mediate_deleted) {{
    file, capability, network, signal, ptrace, unix,
    deny /etc/hostname r,
}}
"""
NOT_HERE = not os.path.exists("/proc/self/attr/apparmor/exec")

pytestmark = [
    pytest.mark.vm,
    pytest.mark.skipif(NOT_HERE, reason="this kernel has no AppArmor"),
    pytest.mark.skipif(PARSER is None, reason="apparmor_parser is missing"),
]


@pytest.fixture(scope="module")
def profile() -> Iterator[str]:
    _parse("--replace")
    yield PROFILE
    _parse("--remove")


def _parse(what: str) -> None:
    """In a mount namespace of its own, with the file system through which policies are loaded."""
    script = f"mount -t securityfs securityfs /sys/kernel/security && exec {PARSER} --skip-cache {what}"
    subprocess.run(["unshare", "--mount", "sh", "-c", script], input=TEXT, text=True, check=True)


SHOW = "cat /proc/self/attr/apparmor/current; cat /etc/hostname"


async def said(engine: Engine, **options: object) -> str:
    request = ContainerRequest(image="base", network="none", auto_remove=True, command=("sh", "-c", SHOW), **options)  # type: ignore[arg-type]
    return (await output(await engine.containers.run_attached(request)))[0]


@pytest.mark.parametrize("userns", ["host", "auto"])
@pytest.mark.parametrize("no_new_privileges", [False, True])
async def test_it_confines_a_container(engine: Engine, profile: str, userns: str, no_new_privileges: bool) -> None:
    security = Security(apparmor=profile, no_new_privileges=no_new_privileges)
    text = await said(engine, security=security, userns=userns)
    assert text.startswith(f"{profile} (enforce)\n")
    assert "/etc/hostname: Permission denied" in text


async def test_a_further_process_is_confined_as_well(engine: Engine, profile: str) -> None:
    security = Security(apparmor=profile)
    request = ContainerRequest(image="base", network="none", command=("sleep", "1000"), security=security)
    container = await engine.containers.run(request)
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", SHOW)))
    text, _ = await output(session)
    assert text.startswith(f"{profile} (enforce)\n")


async def test_without_one_it_is_unconfined(engine: Engine) -> None:
    for security in (Security(), Security(apparmor="unconfined")):
        assert (await said(engine, security=security)).startswith("unconfined\n")


async def test_a_profile_that_is_not_loaded_is_named(engine: Engine) -> None:
    with pytest.raises(BoxdeckError, match="the AppArmor profile boxdeck-none isn't loaded"):
        await said(engine, security=Security(apparmor="boxdeck-none"))

"""Whether a container can be as it is asked for, found out without making anything: for forms that are being filled."""

from __future__ import annotations

from msgspec.structs import replace

from engine import naming, preparation
from engine.compile.command import require_text
from engine.compile.namespaces import attachments
from engine.compile.placement import Ids, Placement
from engine.compile.published_ports import published_ports
from engine.compile.spec import compile_spec
from engine.model import ContainerRequest, ImageConfig
from engine.oci.linux_spec import IdMapping
from engine.oci.process_spec import User

_PLACEMENT = Placement(
    container_id="0" * 64,
    layers=(),
    upper="/",
    work="/",
    cgroups_path="/",
    user=User(uid=0, gid=0),
    home="/",
    hostname="trial",
    files={},
    ids=Ids(
        uid_mappings=(IdMapping(container_id=0, host_id=1 << 20, size=1 << 16),),
        gid_mappings=(IdMapping(container_id=0, host_id=1 << 20, size=1 << 16),),
    ),
)


def try_out(request: ContainerRequest) -> None:
    """Compile what is asked for, for an image that says nothing and for ids that are made up.

    What only the store knows, such as names in use, free addresses and users of the image, isn't looked at.

    Raises:
        InvalidRequest: it can't be.
        Unsupported: this machine can't do it.
    """
    asked = request if request.command or request.entrypoint else replace(request, command=("sh",))
    require_text(asked)
    preparation.check(asked)
    if asked.name is not None:
        naming.check_name(asked.name)
    attachments(asked)
    published_ports(asked, ImageConfig())
    preparation.check_limits(compile_spec(asked, ImageConfig(), _PLACEMENT))

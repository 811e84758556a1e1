"""What a compiled ``config.json`` amounts to for people who ask how safe it is."""

from __future__ import annotations

from engine.isolation import Isolation
from engine.oci.linux_spec import Linux
from engine.oci.process_spec import Capabilities, Process
from engine.oci.runtime_spec import Spec
from engine.runtime.userns import host_id


def isolation(spec: Spec) -> Isolation:
    """The isolation that a container with this spec has."""
    linux, process = spec.linux or Linux(), spec.process or Process(cwd="/")
    return Isolation(
        root_uid=host_id(linux.uid_mappings, 0) or 0,
        capabilities=(process.capabilities or Capabilities()).bounding,
        filters_calls=bool(linux.seccomp_text),
        hides_paths=bool(linux.masked_paths),
        no_new_privileges=process.no_new_privileges,
        read_only=spec.root is not None and spec.root.readonly,
    )

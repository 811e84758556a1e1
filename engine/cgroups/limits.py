"""Limits as values for control group files."""

from __future__ import annotations

from typing import NamedTuple

from engine.errors import InvalidRequest

UNLIMITED_V1_BYTES = 1 << 62  # what v1 calls "no limit" is PAGE_COUNTER_MAX in bytes, above this on every machine


class Write(NamedTuple):
    """A value for one file of one controller, such as ``("memory", "memory.max", "268435456")``.

    Attributes:
        otherwise: what to write where the kernel hasn't that file.
        is_optional: whether nothing need be written where the kernel hasn't that file.
    """

    controller: str
    file: str
    value: str
    otherwise: Write | None = None
    is_optional: bool = False


def or_max(value: int) -> str:
    """A number as v2 and pids write it; a negative one is no limit."""
    return "max" if value < 0 else str(value)


def hugetlb_file(page_size: str, ending: str) -> str:
    """The name of a huge page file such as ``hugetlb.2MB.max``.

    Raises:
        InvalidRequest: the size can't be one.
    """
    if not page_size.isalnum():
        raise InvalidRequest(f"{page_size!r} is not a size of huge pages", "write it as in 2MB or 1GB")
    return f"hugetlb.{page_size}.{ending}"


def rdma_value(device: str, handles: int | None, objects: int | None) -> str:
    """A line of rdma.max, the same on v1 and v2 (cgroup-v1/rdma.rst); what isn't given stays as it is.

    Raises:
        InvalidRequest: the name can't be a device's.
    """
    if not device or len(device.split()) != 1:
        raise InvalidRequest(f"{device!r} is not a name of an RDMA device", "see what there is with: rdma link")
    values = [("hca_handle", handles), ("hca_object", objects)]
    return " ".join([device, *(f"{key}={or_max(value)}" for key, value in values if value is not None)])

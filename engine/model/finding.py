"""Something that is out of step between the store, the disk and the kernel."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that isn't as it should be.

    Attributes:
        kind: what it is about: store, lease, container, process, cgroup, port, network, firewall, names, image, volume,
            file or mount.
        place: where: a container's or network's name, a path, a device.
        problem: what is wrong, as the end of a sentence that begins with the place.
        remedy: what a repair does, as the end of a sentence that begins with it; for what none can mend, what a person
            can do.
        is_mendable: whether a repair can mend it.
        is_mended: whether one has.
        failure: why it couldn't; empty otherwise.
    """

    kind: str
    place: str
    problem: str
    remedy: str
    is_mendable: bool = True
    is_mended: bool = False
    failure: str = ""

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        found = f"{self.kind} {self.place}: {self.problem}"
        if self.is_mended:
            return f"{found}; mended: {self.remedy}"
        if self.failure:
            return f"{found}; --repair failed: {self.failure}"
        return f"{found}; --repair {self.remedy}" if self.is_mendable else f"{found}; {self.remedy}"

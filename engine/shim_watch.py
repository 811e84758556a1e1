"""Which shims have gone: a pidfd of each, in one poll set (pidfd_open(2), epoll(7))."""

from __future__ import annotations

import os
import select

from engine.runtime.status import Status, shim_is_alive


class ShimWatch:
    """Pidfds by container id. Asking costs one system call, however many there are."""

    def __init__(self) -> None:
        self._poll: select.epoll | None = None
        self._descriptors: dict[str, int] = {}
        self._ids: dict[int, str] = {}

    def __contains__(self, container_id: str) -> bool:
        return container_id in self._descriptors

    def add(self, status: Status) -> bool:
        """Watch the shim that wrote this; False when it isn't alive, or there are no descriptors left."""
        self.discard(status.container_id)
        try:
            descriptor = os.pidfd_open(status.shim_pid)
        except OSError:  # ESRCH, EMFILE
            return False
        if not shim_is_alive(status):  # asked now that the pid can't become another's
            os.close(descriptor)
            return False
        self._polling().register(descriptor, select.EPOLLIN)
        self._descriptors[status.container_id] = descriptor
        self._ids[descriptor] = status.container_id
        return True

    def discard(self, container_id: str) -> None:
        """Stop watching."""
        descriptor = self._descriptors.pop(container_id, None)
        if descriptor is not None:
            del self._ids[descriptor]
            os.close(descriptor)  # which takes it out of the poll set, too

    def gone(self) -> list[str]:
        """The ids of the containers whose shim has ended; again and again until it is added anew or discarded."""
        return [self._ids[descriptor] for descriptor, _ in self._poll.poll(0)] if self._poll is not None else []

    def close(self) -> None:
        """Watch nothing any more."""
        for container_id in tuple(self._descriptors):
            self.discard(container_id)
        if self._poll is not None:
            self._poll.close()
            self._poll = None

    def _polling(self) -> select.epoll:
        if self._poll is None:
            self._poll = select.epoll()
        return self._poll

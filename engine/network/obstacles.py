"""Rules of others that may keep traffic from containers: docker's, firewalld's, ufw's or a person's. Only read.

A packet that our table lets pass is still dropped by any other table that drops it (nft(8), "VERDICT STATEMENTS").
"""

from __future__ import annotations


def obstacles() -> tuple[str, ...]:
    """One sentence for each chain that packets to containers have to pass, and whose end they wouldn't survive."""
    return ()

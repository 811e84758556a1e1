"""The version of the OCI runtime specification that is obeyed; by itself, for those who need no more of it."""

OCI_VERSION = "1.2.0"

NEWEST_OCI_VERSION = "1.3.0"
"""What is recognized: beside 1.2 also the network devices and memory policy of 1.3."""


def is_known(version: str) -> bool:
    """Whether a config.json of this version is understood, as all of one major version are (config.md)."""
    return version.partition(".")[0] == NEWEST_OCI_VERSION.partition(".")[0]

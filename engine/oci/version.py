"""The version of the OCI runtime specification that is obeyed; by itself, for those who need no more of it."""

OCI_VERSION = "1.2.0"

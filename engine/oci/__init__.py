"""What the OCI standards say, as types: runtime specification, image specification, references, digests."""

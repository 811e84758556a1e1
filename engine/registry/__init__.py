"""Registries: the OCI distribution specification's client, with what people have configured for it."""

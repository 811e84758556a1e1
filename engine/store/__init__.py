"""Durable state: one SQLite database, content-addressed blobs, unpacked layers."""

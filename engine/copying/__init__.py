"""Copying files into containers, out of them, and from one to another."""

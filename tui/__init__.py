"""Boxdeck's terminal app: thin over `engine.Engine`."""

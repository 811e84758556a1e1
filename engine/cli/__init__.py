"""The command line: thin over the engine's face, with docker's words."""

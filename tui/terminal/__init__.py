"""Terminal emulation for panes: what a process writes becomes rows of styled text, keys become bytes."""

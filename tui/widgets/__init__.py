"""The app's widgets, one noun a file, thin around `tui.drawing`."""

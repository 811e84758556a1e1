"""What the app draws, as functions from values to lines of text: no widget, no screen, no kernel."""

"""Images: assembled, loaded, imported, unpacked into layers, collected."""

"""What people have set: one typed model, read by engine, command line and app alike."""

"""The machine's wiring, read from the kernel: namespaces, their devices, and which ends belong together."""

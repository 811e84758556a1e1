"""What is out of step between the store, the disk and the kernel: found, said in a line each, and mended.

Each check is an asynchronous generator from a `Scene` to findings. What belongs to a container is looked at under its
lock, so that a start or an end on its way isn't taken for disorder; whoever is at it is passed over.
"""

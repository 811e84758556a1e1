"""Namespaces for people: the tree of those in use, the list of all, and commands that make and enter them."""

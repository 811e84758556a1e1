"""The X-ray of an action: every call to the kernel that it took, as it was noted where it was made."""

"""The kernel, typed: system calls and their constants, without policy and without Boxdeck's words."""

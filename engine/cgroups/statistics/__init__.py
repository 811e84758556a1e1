"""What cgroups use: kernel files that stay open, read by position and picked apart by key and line."""

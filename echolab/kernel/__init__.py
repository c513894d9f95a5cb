"""The guest kernel: how it is configured, built, kept and booted, its clock and its seed."""

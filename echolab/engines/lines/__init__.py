"""Lines of Python programs whose system calls are followed; its package is put on their path."""

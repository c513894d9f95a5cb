"""Watching a run: the guest whose clock is held, and the page on which it is seen."""

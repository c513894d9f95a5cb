"""Labs in any program: opened, asked, shown in a notebook, awaited in an event loop."""

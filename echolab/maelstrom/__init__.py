"""Programs written for Maelstrom: their hosts, their workloads, and what must hold for these."""

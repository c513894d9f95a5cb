"""A record for tests to begin with: of a run in which nothing happened."""

from __future__ import annotations

from echolab.record import Record

BARE = Record(
    scenario="made",
    engine="exact",
    seed=1,
    kernel="7.3",
    link_by="netem",
    link_kernel="7.3",
    lab_seconds=1.0,
)

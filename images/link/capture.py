"""Captures of one host's packets, before and after its link, by tcpdump(8)."""

from __future__ import annotations

from typing import Any


class Captures:
    """The captures of one link."""

    def start(self, appliance: Any) -> list[str]:
        return []

    def finish(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass

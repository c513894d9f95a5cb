"""What somebody did to a run while watching it: one deed at one lab second, as a value."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Final

from echolab.errors import BadInput

OF_ONE_PACKET: Final = ("drop_packet", "delay_packet")

KINDS: Final = (
    *("cut", "heal", "loss", "delay", "kill", "pause", "resume", "restart", "send"),
    *OF_ONE_PACKET,
)

MOST_BYTES = 64
"""Bytes of a packet by which it is known."""

MOST_ALIKE = 0xFFFF
"""How far packets that begin alike are counted."""

MOST_TEXT = 1024
"""Characters of a message."""


@dataclasses.dataclass(frozen=True)
class Intervention:
    """One deed of somebody who watches a run.

    `kind` is one of `KINDS`; `at` are lab seconds. `host` is whom it befalls; `heal` names none.
    `cut` cuts the host off from all others. `amount` is what a host's link is given: a share of
    packets that are lost (`loss`), or seconds (`delay`). `send` has the host send a datagram
    with `text` to the echo service of `target`.

    `drop_packet` lets one packet of the host's die behind its link, `delay_packet` holds it up
    there by `amount` seconds. It is on `network`, and its first bytes from its network header on
    are `packet`, hexadecimal. Of those that leave the link from lab second
    `since` on and begin like this it is the one with that `number`; `sent` is the lab second at
    which it was handed to the link. `at` is when somebody did it, which changes nothing.

    Raises BadInput for figures that make no sense.
    """

    kind: str
    at: float
    host: str = ""
    amount: float = 0.0
    target: str = ""
    text: str = ""
    network: str = ""
    packet: str = ""
    number: int = 0
    sent: float = 0.0
    since: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"nobody can '{self.kind}'", f"choose {', '.join(KINDS)}")
        if not (math.isfinite(self.at) and self.at >= 0):
            raise BadInput(f"{self.kind} is done at second {self.at}", "name a second of the run")
        if not self.host and self.kind != "heal":
            raise BadInput(f"{self.kind} names no host", "name one")
        if not (math.isfinite(self.amount) and self.amount >= 0):
            raise BadInput(f"{self.kind} has an amount of {self.amount}", "give 0 or more")
        if self.kind == "loss" and self.amount > 1:
            raise BadInput(f"a loss of {self.amount:g}", "give a share from 0 to 1")
        if self.kind == "send" and not self.target:
            raise BadInput("send names nobody to send to", "name a host")
        if self.kind in OF_ONE_PACKET:
            self._check_packet()
        if len(self.text) > MOST_TEXT:
            raise BadInput(f"the message has {len(self.text)} characters", f"send {MOST_TEXT}")

    def _check_packet(self) -> None:
        if not re.fullmatch(r"([0-9a-f]{2}){4,64}", self.packet):
            raise BadInput(
                f"{self.kind} names no packet: '{self.packet}'",
                f"give its first 4 to {MOST_BYTES} bytes, hexadecimal",
            )
        if not 1 <= self.number <= MOST_ALIKE:
            raise BadInput(
                f"{self.kind} is of packet number {self.number}",
                f"count from 1 to {MOST_ALIKE} at most",
            )
        if not (math.isfinite(self.since) and self.since >= 0):
            raise BadInput(
                f"{self.kind} counts since second {self.since}", "count from a second of the run"
            )
        if not self.network:
            raise BadInput(f"{self.kind} names no network", "name that of the packet")

"""echolab: each sentence of a lecture on sockets, as an experiment on a network."""

from echolab.lab import Lab
from echolab.link import Link
from echolab.probe import Probe
from echolab.script import scenario

__all__ = ["Lab", "Link", "Probe", "scenario"]

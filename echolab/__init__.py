"""echolab: each sentence of a lecture on sockets, as an experiment on a network."""

from echolab.lab import Lab, Probe
from echolab.link import Link
from echolab.scenario import scenario

__all__ = ["Lab", "Link", "Probe", "scenario"]

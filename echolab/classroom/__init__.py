"""The classroom: exercises, and the check of what students hand in.

An exercise's check imports the names here and nothing else of ours; this package is
light, since a check runs inside the guest.
"""

from echolab.classroom.case import case
from echolab.classroom.peers import Datagrams, Listener, Stream
from echolab.classroom.sniffer import Seen, Sniffer
from echolab.classroom.submission import Running, Submission
from echolab.classroom.testbed import Testbed
from echolab.history.values import History, Operation
from echolab.link import Link
from echolab.scenario.client import Client
from echolab.schedule import Faults

__all__ = [
    "Client",
    "Datagrams",
    "Faults",
    "History",
    "Link",
    "Listener",
    "Operation",
    "Running",
    "Seen",
    "Sniffer",
    "Stream",
    "Submission",
    "Testbed",
    "case",
]

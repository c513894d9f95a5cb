"""The classroom: exercises, and the honest checker of what students hand in.

An exercise's check imports the names here and nothing else of ours; this package is
light, since a check runs inside the guest.
"""

from echolab.classroom.case import case
from echolab.classroom.peers import Datagrams, Listener, Stream
from echolab.classroom.submission import Running, Submission
from echolab.classroom.testbed import Testbed
from echolab.link import Link

__all__ = [
    "Datagrams",
    "Link",
    "Listener",
    "Running",
    "Stream",
    "Submission",
    "Testbed",
    "case",
]

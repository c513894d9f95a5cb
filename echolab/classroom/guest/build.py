"""Build a submission where it will run: in the guest, as the user it will run as.

A Makefile runs what it likes, and a C source includes what it likes, so building is as dangerous
as running and happens in the same place, in the same folder.
"""

import json

from echolab import Lab, scenario
from echolab.engines.contract import PeerNetwork

LONGEST_BUILD = 600.0
ARCHIVE = "/lab/submission/.builder/built.tar.gz"


@scenario(sentence="The submission can be built", baseline=False, measured=False)
def build(lab: Lab, commands: str = "[]", archive: str = "built.tar.gz") -> None:
    builder = lab.python("builder", "builder.py", commands)
    finished = builder.wait(LONGEST_BUILD)
    try:
        made = json.loads(finished.stdout)
    except ValueError:
        made = {"status": 1, "output": f"{finished.stderr[-2000:]}\nthe build was cut short"}
    if made["status"] == 0 and isinstance(lab.network, PeerNetwork):
        lab.network.fetch("builder", ARCHIVE, archive)
    lab.note("build", value=made)

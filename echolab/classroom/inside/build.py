"""Build a submission where it will run: in the guest, as the user it will run as.

A Makefile runs what it likes, and a C source may include what it likes, so building is as
dangerous as running and happens in the same place.
"""

import json

from echolab import Lab, scenario

LONGEST_BUILD = 120.0


@scenario(sentence="The submission can be built", baseline=False, measured=False)
def build(lab: Lab, commands: str = "[]", place: str = "/submission") -> None:
    builder = lab.python("builder", "builder.py", place, commands)
    finished = builder.wait(LONGEST_BUILD)
    try:
        made = json.loads(finished.stdout)
    except ValueError:
        made = {"status": 1, "output": f"{finished.stderr[-2000:]}\nthe build was cut short"}
    lab.expect("the build succeeds", made.get("status") == 0, seen=made)

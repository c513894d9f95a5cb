"""A student's test program visits one exhibit of the museum: its answer is recorded."""

import json

from echolab import Lab, scenario

PORT = 7
LONGEST_VISIT = 120.0
LETTING_START = 2.0


@scenario(
    sentence="A test program judges a server by its behaviour", baseline=False, measured=False
)
def visit(lab: Lab, exhibit: str = "[]", program: str = "[]") -> None:
    server = lab.start("server", [*json.loads(exhibit), str(PORT)])
    lab.sleep(LETTING_START)
    tested = lab.start("client", [*json.loads(program), "server", str(PORT)])
    finished = tested.wait(LONGEST_VISIT)
    server.stop()
    lab.note("visit", value={"status": finished.status})

"""Labs whose services wait, fail and come back, and what must be seen of each on every engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from echolab.record import Life

ASK = (
    "import socket, sys; s = socket.create_connection((sys.argv[1], 7), 2); "
    "s.sendall(b'x'); print(s.recv(1))"
)

HEAD = f"""
ASK = {ASK!r}

@scenario(baseline=False)
def looks(lab: Lab) -> None:
"""

SERVE = "[python3, -m, echo_app.server]"


@dataclasses.dataclass(frozen=True)
class Lab:
    """A lab: its services, what a scenario does, the kinds of `lives` that hosts must have had,
    in their order, and pairs (host, kind) of which the first comes before the second. `error`
    is what must be said of one that cannot come up.
    """

    name: str
    services: str
    does: str = "lab.sleep(0.1)"
    lives: tuple[tuple[str, str], ...] = ()
    error: str = ""

    @property
    def file(self) -> str:
        """The Compose file."""
        lines = [line for line in self.services.strip("\n").splitlines() if line.strip()]
        inner = "\n".join(f"  {line}" for line in lines)
        client = "  client: {image: echolab-host, x-echolab: idle}"
        return f"services:\n{inner}\n{client}\n"

    @property
    def script(self) -> str:
        """The scenario."""
        return HEAD + "\n".join(f"    {line}" for line in self.does.splitlines()) + "\n"

    def check(self, found: Sequence[Life]) -> None:
        """Raise AssertionError if the services lived otherwise."""
        seen = [(life.host, life.kind) for life in found]
        at = 0
        for wanted in self.lives:
            assert wanted in seen[at:], f"{wanted} is not in {seen[at:]}"
            at = seen.index(wanted, at) + 1


LIVES = (
    Lab(
        "completed",
        f"""
init: {{image: echolab-host, command: [sh, -c, "sleep 1; echo made"]}}
web:
  image: echolab-host
  command: {SERVE}
  depends_on: {{init: {{condition: service_completed_successfully}}}}
""",
        'lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)',
        (("init", "ended"),),
    ),
    Lab(
        "beside a host that listens",
        f"""
db: {{image: echolab-host, command: {SERVE}}}
side:
  image: echolab-host
  command: [python3, -m, echo_app.server, --port, "8"]
  network_mode: service:db
""",
        'lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "db"]).status == 0)',
    ),
    Lab(
        "healthy",
        f"""
db:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{test: "test -e /tmp/x || {{ touch /tmp/x; exit 1; }}", interval: 1s, retries: 3}}
web:
  image: echolab-host
  command: [sh, -c, "python3 -c \\"$$ASK\\" db || exit 9; exec python3 -m echo_app.server"]
  environment: {{ASK: "{ASK}"}}
  depends_on: {{db: {{condition: service_healthy}}}}
""",
        'lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)',
        (("db", "check failed"), ("db", "healthy")),
    ),
    Lab(
        "gone on without",
        f"""
job: {{image: echolab-host, command: [sh, -c, "echo broken; exit 4"]}}
web:
  image: echolab-host
  command: {SERVE}
  depends_on: {{job: {{condition: service_completed_successfully, required: false}}}}
""",
        'lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)',
        (("job", "ended"), ("web", "went on without")),
    ),
    Lab(
        "started again",
        """
web:
  image: echolab-host
  command:
    - sh
    - -c
    - |
      python3 -m echo_app.server &
      while ! [ -e /tmp/enough ]; do sleep 0.05; done
      rm /tmp/enough; echo told to; exit 6
  restart: always
""",
        """
lab.shape("web", Link(delay=0.01))
lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)
lab.run("web", ["touch", "/tmp/enough"])
lab.sleep(4)
lab.expect("answered again", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)
""".strip(),
        (("web", "ended"), ("web", "started again")),
    ),
    Lab(
        "started again before the lab is up",
        """
web:
  image: echolab-host
  command:
    - sh
    - -c
    - |
      [ -e /tmp/second ] || { touch /tmp/second; exit 1; }
      exec python3 -m echo_app.server
  restart: always
""",
        """
lab.shape("web", Link(delay=0.01))
lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)
lab.expect("is alive", lab.run("web", ["true"]).status == 0)
""".strip(),
        (("web", "ended"), ("web", "started again")),
    ),
    Lab(
        "turns unhealthy",
        f"""
web:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{test: [CMD, test, "!", -e, /tmp/ill], interval: 1s, retries: 2, timeout: 5s}}
""",
        """
lab.run("web", ["touch", "/tmp/ill"])
lab.sleep(4)
lab.run("web", ["rm", "/tmp/ill"])
lab.sleep(2.5)
""".strip(),
        (("web", "healthy"), ("web", "check failed"), ("web", "unhealthy"), ("web", "healthy")),
    ),
    Lab(
        "looked into",
        f"web: {{image: echolab-host, command: {SERVE}}}",
        """
web = lab.host("web")
lab.expect("a file", web.file("/etc/hosts").contains("localhost") and web.file("/etc").is_directory)
lab.expect("words", web.check_output("echo %s", "a b") == "a b")
lab.expect("a status", web.run("echo no >&2; exit 3").rc == 3)
lab.expect("a signal", web.run("kill -9 $$").rc == 137)
lab.expect("an address", lab.address("web").ip in web.addr("web").ipv4_addresses)
""".strip(),
    ),
    Lab(
        "not tested",
        f"""
mute:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{disable: true}}
none:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{test: [NONE]}}
""",
        "lab.sleep(2)",
    ),
    Lab(
        "restarted together",
        f"""
db: {{image: echolab-host, command: {SERVE}}}
web:
  image: echolab-host
  command: {SERVE}
  depends_on: {{db: {{condition: service_started, restart: true}}}}
other: {{image: echolab-host, command: {SERVE}, depends_on: [db]}}
""",
        """
lab.restart("db")
lab.expect("hosts", [one.hosts for one in lab.faults] == [("db",), ("web",)])
lab.expect("answered", lab.run("client", ["python3", "-c", ASK, "web"]).status == 0)
""".strip(),
    ),
)
"""Labs that come up."""

REFUSED = (
    Lab(
        "unhealthy dependency",
        f"""
db:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{test: "echo too bad; exit 1", interval: 1s, retries: 2}}
web: {{image: echolab-host, command: {SERVE}, depends_on: {{db: {{condition: service_healthy}}}}}}
""",
        error=r"web waits for db \(service_healthy\): it is unhealthy: too bad",
    ),
    Lab(
        "unhealthy",
        f"""
db:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{test: "echo too bad; exit 1", interval: 1s, retries: 2}}
""",
        error=r"db did not become healthy: too bad",
    ),
    Lab(
        "check that takes too long",
        f"""
db:
  image: echolab-host
  command: {SERVE}
  healthcheck: {{test: [CMD, sleep, "30"], interval: 1s, timeout: 1s, retries: 1}}
""",
        error=r"db did not become healthy: .*1 ?s",
    ),
    Lab(
        "failed dependency",
        f"""
job: {{image: echolab-host, command: [sh, -c, "sleep 0.5; echo broken; exit 4"]}}
web:
  image: echolab-host
  command: {SERVE}
  depends_on: {{job: {{condition: service_completed_successfully}}}}
""",
        error=r"web waits for job \(.*_completed_successfully\): it ended with status 4: broken",
    ),
    Lab(
        "nobody tests",
        f"""
db: {{image: echolab-host, command: {SERVE}}}
web: {{image: echolab-host, command: {SERVE}, depends_on: {{db: {{condition: service_healthy}}}}}}
""",
        error=r"web waits until db is healthy, but db has no health check",
    ),
    Lab(
        "given up",
        """
web: {image: echolab-host, command: [sh, -c, "echo never; exit 5"], restart: on-failure:2}
""",
        error=r"web ended at once with status 5: never",
    ),
    Lab(
        "port of the host whose network it shares",
        f"""
db: {{image: echolab-host, command: {SERVE}}}
side: {{image: echolab-host, command: {SERVE}, network_mode: "service:db", depends_on: [db]}}
""",
        error=r"side ended at once with status 2: .*port 7 is in use",
    ),
    Lab(
        "end beside a host that listens",
        f"""
db: {{image: echolab-host, command: {SERVE}}}
side:
  image: echolab-host
  command: [sh, -c, "sleep 1; echo no; exit 6"]
  network_mode: service:db
""",
        error=r"side ended at once with status 6: no",
    ),
)
"""Labs that cannot come up."""

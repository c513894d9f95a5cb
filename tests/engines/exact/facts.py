"""Scenarios that find out what hosts in namespaces are like; test_guest.py judges them."""

from echolab import Lab, Link, scenario

LOOK = r"""
import json, os, socket
def attempt(action):
    try:
        return action() or "done"
    except OSError as error:
        return type(error).__name__
status = dict(line.split(":\t") for line in open("/proc/self/status") if ":\t" in line)
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "CapPrm": status["CapPrm"].strip(), "CapBnd": status["CapBnd"].strip(),
    "NoNewPrivs": status["NoNewPrivs"].strip(),
    "root": sorted(os.listdir("/")), "folder": os.getcwd(),
    "etc": attempt(lambda: open("/etc/evil", "w").close()),
    "usr": attempt(lambda: open("/usr/evil", "w").close()),
    "here": attempt(lambda: open("/lab/echo_app/evil", "w").close()),
    "tmp": attempt(lambda: open("/tmp/fine", "w").close()),
    "shm": attempt(lambda: open("/dev/shm/fine", "w").close()),
    "null": attempt(lambda: open("/dev/null", "w").close()),
    "port 7": attempt(lambda: socket.create_server(("", 7)).close()),
    "raw": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
    "devices": sorted(name for _, name in socket.if_nameindex() if name in ("lo", "eth0")),
    "server": socket.gethostbyname("server"), "name": socket.gethostname(),
    "hostname": open("/etc/hostname").read().strip(),
    "echo": [socket.getservbyname("echo", "tcp"), socket.getservbyname("echo", "udp")],
    "elsewhere": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 1)),
    "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "environment": dict(os.environ),
}))
"""

ATTRIBUTES = r"""
import json, os, resource
lines = dict(line.split(":\t") for line in open("/proc/self/status") if ":\t" in line)
lines["SigIgn"] = "%x" % (int(lines["SigIgn"], 16) & ~(3 << 31))  # glibc's own two: nptl(7)
changing = ("Pid", "PPid", "Tgid", "Ngid", "NSpid", "NStgid", "NSpgid", "NSsid", "voluntary")
print(json.dumps({
    "status": {name: value.strip() for name, value in lines.items()
               if not name.startswith(("Vm", "Rss", "Mems", "Cpus", "nonvol", *changing))},
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource)
               if name.startswith("RLIMIT_")},
    "wakes on time": int(open("/proc/self/timerslack_ns").read()) <= 1,
    "oom": open("/proc/self/oom_score_adj").read().strip(),
    "group": open("/proc/self/cgroup").read().rpartition("-")[2].strip(),
    "mounts": sorted(line.split(" ", 4)[4] for line in open("/proc/self/mountinfo")),
    "open": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
    "leader": os.getsid(0) == os.getpid() == os.getpgid(0),
    "policy": [os.sched_getscheduler(0), os.nice(0)],
    "spaces": {name: name == "pid" or os.readlink(f"/proc/self/ns/{name}")
               for name in os.listdir("/proc/self/ns") if not name.startswith(("mnt", "pid"))},
    "processes": [os.getpid(), sorted(filter(str.isdigit, os.listdir("/proc")))],
    "folder": os.getcwd(), "environment": dict(os.environ),
}))
"""

OWN_MEMORY = """
import echo_app
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmLck")))
"""

FORKS = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.1)
"""

EATS = """
kept = []
while True:
    kept.append(bytes([7]) * (1 << 20))
"""

FILLS = """
try:
    with open("/tmp/big", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
except OSError as error:
    print(error.errno)
"""

LEAVES = """
import os, socket, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        server = socket.create_server(("", 4711))
        time.sleep(1e6)
    os._exit(0)
time.sleep(0.5)
"""

STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
time.sleep(1e6)
"""

POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
time.sleep(1e6)
"""


def python(text: str) -> list[str]:
    return ["python3", "-c", text]


@scenario(baseline=False)
def time(lab: Lab) -> None:
    lab.shape("client", Link(delay=0.05))
    for protocol in ("udp", "tcp", "tcp-connect"):
        lab.probe("client", "server", protocol, count=50)


@scenario(baseline=False)
def sight(lab: Lab) -> None:
    for host in lab.hosts:
        lab.run(host, python(LOOK))


@scenario(baseline=False)
def attributes(lab: Lab) -> None:
    """A program's attributes: as it is started here, and as one whose engine was forked."""
    import os
    import resource
    from pathlib import Path

    from echolab.engines.namespaces import spawn

    def own() -> str:
        limits = (name for name in dir(resource) if name.startswith("RLIMIT_"))
        held = [resource.getrlimit(getattr(resource, name)) for name in limits]
        score = Path("/proc/self/oom_score_adj").read_text(encoding="ascii")
        return f"{os.getresuid()} {os.getresgid()} {Path.cwd()} {score} {held}"

    possible = spawn.possible
    before = own()
    lab.run("client", python(ATTRIBUTES))
    spawn.possible = lambda start: False
    lab.run("client", python(ATTRIBUTES))
    spawn.possible = possible
    lab.run("client", python(ATTRIBUTES))
    lab.expect_equal("what the engine has", own(), before)
    for _ in range(2):
        lab.run("client", ["sh", "-c", "echo $$"], environment={"PATH": "/none:/lab:/usr/bin"})


@scenario(baseline=False)
def forks(lab: Lab) -> None:
    lab.run("client", python(FORKS), timeout=1)
    lab.run("client", ["echo", "alive"])
    lab.probe("client", "server", "udp", count=5)


@scenario(baseline=False)
def unlocked(lab: Lab) -> None:
    lab.run("client", python(OWN_MEMORY))


@scenario(baseline=False)
def crowded(lab: Lab) -> None:
    bomb = lab.start("client", python(FORKS))
    lab.sleep(0.5)
    lab.run("client", ["sh", "-c", "true; echo $(echo forked)"])
    lab.run("server", ["sh", "-c", "true; echo $(echo forked)"])
    bomb.stop()


@scenario(baseline=False)
def memory(lab: Lab) -> None:
    lab.run("client", python(EATS), timeout=5)
    lab.run("client", ["echo", "alive"])
    lab.probe("client", "server", "udp", count=5)


@scenario(baseline=False)
def disk(lab: Lab) -> None:
    lab.run("client", python(FILLS))
    lab.run("server", ["sh", "-c", "ls /tmp; echo fits > /tmp/small && cat /tmp/small"])


@scenario(baseline=False)
def flood(lab: Lab) -> None:
    lab.run("client", ["yes"])
    lab.run("client", ["sh", "-c", "yes >&2"])
    lab.run("client", python("print('x' * 1_000_000)"))


@scenario(baseline=False)
def sleeper(lab: Lab) -> None:
    lab.run("client", ["sleep", "31536000"], timeout=20)


@scenario(baseline=False)
def killers(lab: Lab) -> None:
    lab.run("client", ["sh", "-c", "kill -9 $PPID; kill -9 1; kill -9 -1"])
    lab.run("client", ["sh", "-c", "kill -SEGV $$"])
    lab.run("client", ["echo", "alive"])


@scenario(baseline=False)
def left_behind(lab: Lab) -> None:
    lab.run("client", python(LEAVES))
    lab.run("client", python("import socket; socket.create_server(('', 4711)); print('free')"))


@scenario(baseline=False)
def stopping(lab: Lab) -> None:
    for text in (POLITE, STUBBORN):
        program = lab.start("client", python(text))
        lab.sleep(1)
        program.stop()
    waiting = lab.start("client", ["sleep", "1000"])
    lab.sleep(1)
    waiting.stop()
    module = lab.start("client", ["python3", "-m", "echo_app.stream_server", "--port", "9000"])
    lab.sleep(1)
    module.stop()


@scenario(baseline=False)
def streams(lab: Lab) -> None:
    lab.run("client", ["cat"], input=b"first\n" * 10_000)
    lab.run("client", ["wc", "-c"], input=b"first\n" * 100_000)
    lab.run("client", ["cat"])
    open_end = lab.start("client", ["head", "-n", "2"], keep_input=True)
    open_end.send(b"one\n")
    lab.sleep(1)
    open_end.send(b"two\n")
    open_end.wait()


@scenario(baseline=False)
def missing(lab: Lab) -> None:
    lab.run("client", ["no-such-program"])


@scenario(baseline=False)
def traced(lab: Lab) -> None:
    lab.run("client", ["python3", "-m", "echo_app.stream_client"], trace=True)


@scenario(baseline=False)
def black_hole(lab: Lab) -> None:
    lab.shape("client", Link(loss=1))
    lab.probe("client", "server", "udp", count=20)


@scenario(baseline=False)
def crash(lab: Lab) -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSEGV)


@scenario(baseline=False)
def given(lab: Lab, folder: str = "") -> None:
    """Run the programs of other languages that a folder of the machine holds."""
    lab.shape("client", Link(delay=0.05))
    commands = {
        "c": [f"{folder}/client"],
        "java": ["java", "-Xint", "-XX:+UseSerialGC", "-cp", folder, "Client"],
        "node": ["node", f"{folder}/client.js"],
    }
    for language, argv in commands.items():
        if lab.run("client", ["test", "-e", f"{folder}/{language}"]).status == 0:
            lab.run("client", argv, timeout=60)


@scenario(baseline=False)
def many(lab: Lab) -> None:
    clients = [host for host in lab.hosts if host != "server"]
    for client in clients:
        lab.shape(client, Link(delay=0.01))
    pending = [lab.start_probe(client, "server", "udp", count=3) for client in clients]
    for probe in pending:
        probe.wait()
    lab.probe(clients[-1], clients[-2], "udp", count=3)
    lab.run(clients[-1], ["true"])


@scenario(baseline=False)
def crowd(lab: Lab) -> None:
    """A program on every host at once, each with all three streams."""
    programs = [lab.start(host, ["cat"], keep_input=True) for host in lab.hosts]
    for host, program in zip(lab.hosts, programs, strict=True):
        program.send(host.encode())
    lab.sleep(1)
    said = [program.stop().stdout for program in programs]
    lab.expect_equal("what each program said", said, list(lab.hosts))

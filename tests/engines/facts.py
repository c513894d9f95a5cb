"""What the contract of engines promises: each fact once, as a scenario.

test_contract.py performs them on every engine, on the hosts of its `COMPOSE`. What is found
otherwise is an AssertionError.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from echolab import Lab, Link, scenario
from echolab.engines import sockets
from echolab.engines.contract import Network, Program
from echolab.engines.programs import FLOODED, MIB, MOST_CALLS, MOST_OUTPUT, TERM_GRACE
from echolab.errors import BadInput, CannotRun

LONG = 60.0
"""Seconds in which everything here ends on a machine that is busy."""

fact = scenario(baseline=False, measured=False)


def python(text: str) -> list[str]:
    return ["python3", "-c", text]


def refused(kind: type[Exception], words: str, call: Callable[[], object]) -> None:
    """The call raises that error, and its message has those words."""
    try:
        call()
    except kind as error:
        assert words in str(error), f"{words!r} is not in {error}"
    else:
        raise AssertionError(f"nothing was raised; expected {kind.__name__}: {words}")


def until_serving(network: Network, port: int, protocol: str = "udp") -> None:
    """Wait until a program on the client serves a port: it has come that far."""
    deadline = network.now() + LONG
    while port not in sockets.serving(functools.partial(network.read, "client"), protocol):
        assert network.now() < deadline, f"nobody serves {protocol} port {port}"
        network.sleep(0.01)


BEGUN = """
import socket
def begun():
    global made
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind(("", PORT))
"""


def begun(network: Network, text: str, port: int, *, trace: bool = False) -> Program:
    """A Python program on the client that has come to its line `begun()`."""
    script = BEGUN.replace("PORT", str(port)) + text
    program = network.start("client", python(script), trace=trace)
    until_serving(network, port)
    return program


# --- the end of a program


@fact
def output_and_status(lab: Lab) -> None:
    """Standard output, standard error and the exit status come back apart."""
    done = lab.network.start("client", ["sh", "-c", "echo out; echo err >&2; exit 3"]).wait(LONG)
    assert (done.stdout, done.stderr, done.status) == ("out\n", "err\n", 3)
    assert done.host == "client" and done.argv[0] == "sh" and done.calls == ""
    assert 0 <= done.started <= done.ended <= lab.now()


@fact
def statuses(lab: Lab) -> None:
    """Exit statuses up to 128 come back as they are."""
    for status in (0, 1, 2, 126, 127, 128):
        done = lab.network.start("client", ["sh", "-c", f"exit {status}"]).wait(LONG)
        assert done.status == status


@fact
def signals(lab: Lab) -> None:
    """The signal that ended a program is its status, negative."""
    for number in (signal.SIGHUP, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
        done = lab.network.start("client", ["sh", "-c", f"kill -{number} $$"]).wait(LONG)
        assert done.status == -number


@fact
def timeout(lab: Lab) -> None:
    """A program that does not end in time is killed, and its status is None."""
    done = lab.network.start("client", ["sh", "-c", "echo here; sleep 4321"]).wait(1.0)
    assert (done.status, done.stdout) == (None, "here\n")
    assert done.ended - done.started >= 1.0


@fact
def waited_twice(lab: Lab) -> None:
    """Waiting for a program that has ended, or stopping it, tells the same again."""
    program = lab.network.start("client", ["echo", "once"])
    done = program.wait(LONG)
    assert done.status == 0
    assert program.wait(0.0) == program.stop() == program.wait() == done


@fact
def ended_before(lab: Lab) -> None:
    """A program that ended before anybody waited for it has not run out of time."""
    program = lab.network.start("client", ["true"])
    lab.sleep(3)
    assert program.wait(0.0).status == 0


@fact
def what_is_left(lab: Lab) -> None:
    """What a program leaves running in its session ends with it."""
    leaves = "if os.fork() == 0:\n    begun(); time.sleep(4321)\ntime.sleep(0.5)"
    program = begun(lab.network, f"import os, time\n{leaves}", 4001)
    assert program.wait(LONG).status == 0
    takes = "import socket; socket.socket(type=2).bind(('', 4001))"
    taken = lab.network.start("client", python(takes)).wait(LONG)
    assert taken.status == 0, taken.stderr


@fact
def stopped_politely(lab: Lab) -> None:
    """A program that is stopped may clean up on SIGTERM, and end as it likes."""
    text = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(5))\nbegun()\n"
    for trace in (False, True):
        program = begun(lab.network, f"{text}time.sleep(4321)", 4002 + trace, trace=trace)
        assert program.stop().status == 5


@fact
def stopped_at_last(lab: Lab) -> None:
    """A program that ignores SIGTERM is killed a little later."""
    text = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('here', flush=True)\n"
    program = begun(lab.network, f"{text}begun()\ntime.sleep(4321)", 4004)
    before = lab.now()
    done = program.stop()
    assert (done.status, done.stdout) == (-signal.SIGKILL, "here\n")
    assert lab.now() - before >= TERM_GRACE


# --- output and input


@fact
def flood_without_end(lab: Lab) -> None:
    """A program that writes without end is killed; what it wrote until then is kept."""
    for argv, stream in ((["yes"], "stdout"), (["sh", "-c", "yes >&2"], "stderr")):
        done = lab.network.start("client", argv).wait(LONG)
        kept = done.stdout if stream == "stdout" else done.stderr.removesuffix(FLOODED)
        assert done.status == -signal.SIGKILL
        assert done.stderr.endswith(FLOODED)
        assert kept == "y\n" * (MOST_OUTPUT // 2)


@fact
def flood_that_ends(lab: Lab) -> None:
    """A program that would end after writing too much is killed, too."""
    for size in (MOST_OUTPUT + 2, 100_000_000):
        argv = ["head", "-c", str(size), "/dev/zero"]
        done = lab.network.start("client", argv).wait(LONG)
        assert done.status == -signal.SIGKILL
        assert (len(done.stdout), done.stderr) == (MOST_OUTPUT, FLOODED)


@fact
def much_output(lab: Lab) -> None:
    """Output up to the limit is kept whole."""
    argv = ["head", "-c", str(MOST_OUTPUT - MIB), "/dev/zero"]
    done = lab.network.start("client", argv).wait(LONG)
    assert (done.status, done.stderr, len(done.stdout)) == (0, "", MOST_OUTPUT - MIB)


@fact
def odd_bytes(lab: Lab) -> None:
    """Bytes that are not UTF-8 are replaced; others arrive as they are."""
    argv = ["printf", r"\377\303\251\000\n\r\303"]
    done = lab.network.start("client", argv).wait(LONG)
    assert done.stdout == "\ufffdé\0\n\r\ufffd"


@fact
def no_input(lab: Lab) -> None:
    """Without input a program's standard input is at its end."""
    done = lab.network.start("client", ["cat"]).wait(LONG)
    assert (done.status, done.stdout) == (0, "")


@fact
def input_whole(lab: Lab) -> None:
    """Input arrives whole, whatever bytes it has, and ends."""
    data = bytes(range(256)) * 8192
    done = lab.network.start("client", ["sha256sum"], input=data).wait(LONG)
    assert done.stdout.split() == [hashlib.sha256(data).hexdigest(), "-"]


@fact
def input_unread(lab: Lab) -> None:
    """A program may end, or wait, without reading its input; nobody waits for it."""
    data = bytes(4 * MIB)
    assert lab.network.start("client", ["true"], input=data).wait(LONG).status == 0
    assert lab.network.start("client", ["sleep", "4321"], input=data).stop().status == -15


@fact
def input_kept_open(lab: Lab) -> None:
    """Input that is kept open takes more; what it had before comes first."""
    program = lab.network.start("client", ["head", "-n", "3"], input=b"one\n", keep_input=True)
    program.send(b"two\n")
    lab.sleep(0.1)
    program.send(b"three\nfour\n")
    assert program.wait(LONG).stdout == "one\ntwo\nthree\n"


@fact
def input_after_the_end(lab: Lab) -> None:
    """What is sent to a program that does not read, or has ended, is dropped in silence."""
    program = lab.network.start("client", ["sleep", "4321"], keep_input=True)
    program.send(bytes(4 * MIB))
    done = program.stop()
    program.send(b"more\n")
    assert program.wait() == done


@fact
def input_closed(lab: Lab) -> None:
    """Sending to standard input that was not kept open is bad input."""
    program = lab.network.start("client", ["sleep", "4321"], input=b"one\n")
    words = "standard input of sleep on client is closed; start it with keep_input=True"
    refused(BadInput, words, lambda: program.send(b"two\n"))
    program.stop()
    refused(BadInput, words, lambda: program.send(b"two\n"))


# --- the start of a program


@fact
def not_there(lab: Lab) -> None:
    """A program that is not there is bad input, traced or not."""
    for trace in (False, True):
        for name, words in (
            ("no-such-thing", "host client: there is no program 'no-such-thing' on its PATH"),
            ("cd", "host client: there is no program 'cd' on its PATH"),
            ("./no-such-thing", "cannot start './no-such-thing': No such file or directory"),
            ("/no/such/thing", "cannot start '/no/such/thing': No such file or directory"),
        ):
            start = functools.partial(lab.network.start, "client", [name, "word"], trace=trace)
            refused(BadInput, words, start)


@fact
def not_executable(lab: Lab) -> None:
    """A file that is not executable, and a folder, are bad input, traced or not."""
    for trace in (False, True):
        for name in ("/etc/passwd", "/etc", "/tmp"):
            start = functools.partial(lab.network.start, "client", [name], trace=trace)
            refused(BadInput, f"host client: cannot start '{name}': Permission denied", start)


@fact
def impossible_words(lab: Lab) -> None:
    """No word at all, and a word with a NUL byte in it, are bad input."""
    words: Sequence[tuple[list[str], str]] = (
        ([], "no program was named to run on client"),
        ([""], "no program was named to run on client"),
        (["echo", "a\0b"], "a word for 'echo' on client has a NUL byte in it"),
    )
    for argv, said in words:
        refused(BadInput, said, functools.partial(lab.network.start, "client", argv))


@fact
def half_made_starts(lab: Lab) -> None:
    """A start that fails leaves nothing of what it had made: no descriptor, no input to send."""
    start = functools.partial(
        lab.network.start, "client", ["/no/such"], input=bytes(MIB), keep_input=True
    )
    refused(BadInput, "cannot start '/no/such'", start)  # what is made once and kept is there
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        refused(BadInput, "cannot start '/no/such'", start)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert lab.network.start("client", ["true"]).wait(LONG).status == 0


@fact
def words_as_they_are(lab: Lab) -> None:
    """No shell reads a program's words."""
    words = ["a b", "$HOME", "*", "", "'", '"', "\\", "-n", "ä\n"]
    done = lab.network.start("client", python("import sys; print(sys.argv[1:])") + words)
    assert done.wait(LONG).stdout == f"{words}\n"


@fact
def unknown_module(lab: Lab) -> None:
    """A Python that finds no such module says so itself, though modules of ours are forked."""
    argv = ["python3", "-m", "echo_app.no_such_module"]
    done = lab.network.start("client", argv).wait(LONG)
    assert done.status == 1
    assert "No module named echo_app.no_such_module" in done.stderr


@fact
def environment(lab: Lab) -> None:
    """A program has its host's environment, and what it is given besides."""
    argv = python("import os; print(os.environ['COLOUR'], os.environ.get('MARK'))")
    plain = lab.network.start("client", argv).wait(LONG)
    given = lab.network.start("client", argv, environment={"MARK": "a $b", "COLOUR": "blue"})
    assert plain.stdout == "red None\n"
    assert given.wait(LONG).stdout == "blue a $b\n"


@fact
def user_and_folder(lab: Lab) -> None:
    """A program has its host's user and working folder, and a session of its own."""
    text = "import os; print(os.getuid(), os.getgid(), os.getcwd(), os.getsid(0) == os.getpid())"
    assert lab.network.start("client", python(text)).wait(LONG).stdout == "4242 4243 /usr True\n"
    assert lab.network.start("server", python(text)).wait(LONG).stdout.startswith("10007 10007 ")


@fact
def unknown_host(lab: Lab) -> None:
    """Every call that takes a host's name refuses one that the topology lacks."""
    network = lab.network
    for call in (
        lambda: network.start("nobody", ["true"]),
        lambda: network.tc("nobody", ["qdisc", "show"]),
        lambda: network.read("nobody", "/proc/net/dev"),
    ):
        refused(BadInput, "compose.yaml has no host 'nobody'", call)


@fact
def traced(lab: Lab) -> None:
    """A trace has the calls of networks, their times to the nanosecond, and how long they took."""
    argv = ["python3", "-m", "echo_app.stream_client"]
    done = lab.network.start("client", argv, trace=True).wait(LONG)
    assert done.status == 0, done.stderr
    lines = done.calls.splitlines()
    first = re.fullmatch(r"\d+ +\d{10}\.\d{9} execve\(.* = 0 <\d\.\d{9}>", lines[0])
    assert first, lines[0]
    assert any("connect(" in line for line in lines)
    assert not any("mmap(" in line or "openat(" in line for line in lines)


@fact
def traced_at_length(lab: Lab) -> None:
    """Of a long trace the beginning is kept."""
    text = "import os\nfor _ in range(14_000): os.write(1, bytes([200]) * 64)"
    done = lab.network.start("client", python(text), trace=True).wait(10 * LONG)
    assert (done.status, len(done.stdout)) == (0, 14_000 * 64)
    assert len(done.calls) == MOST_CALLS
    assert "execve(" in done.calls.splitlines()[0]


# --- lives of hosts

CALLS = """
import socket, sys
try:
    made = socket.create_connection(("server", 7), timeout=2)
    made.sendall(b"hello")
    print(made.recv(5).decode())
except OSError as error:
    print(type(error).__name__)
"""


def call(lab: Lab) -> str:
    """What the server answers to the client's hello, or the error that the client met."""
    done = lab.network.start("client", python(CALLS)).wait(LONG)
    assert done.status == 0, done.stderr
    return done.stdout.strip()


@fact
def killed(lab: Lab) -> None:
    """A host that is killed falls silent, and answers again when it was restarted."""
    assert (said := call(lab)) == "hello", said
    lab.network.kill("server")
    assert (said := call(lab)) == "TimeoutError", said
    lab.network.kill("server")
    lab.network.restart("server")
    assert (said := call(lab)) == "hello", said


@fact
def killed_in_the_middle(lab: Lab) -> None:
    """Programs end with their host, and nothing tells those that they were connected with."""
    text = "import socket\nmade = socket.create_server(('', 4100))\nmade.accept()[0].recv(1)"
    killed = lab.start("server", python(text))
    lab.until_listening("server", 4100)
    talks = (
        "import socket, sys\nlink = socket.create_connection(('server', 4100))\n"
        "begun()\nlink.settimeout(3)\n"
        "try: print(link.recv(1))\nexcept OSError as error: print(type(error).__name__)"
    )
    talking = begun(lab.network, talks, 4101)
    lab.kill("server")
    done = killed.wait(LONG)
    assert done.status == -signal.SIGKILL, done
    assert talking.wait(LONG).stdout == "TimeoutError\n"
    lab.restart("server")


@fact
def forgotten_connections(lab: Lab) -> None:
    """A host that was restarted knows no connection of its former life, and its ports are free."""
    serves = (
        "import socket\nmade = socket.socket()\nmade.bind(('', 4102))\nmade.listen()\n"
        "while True:\n link = made.accept()[0]\n link.recv(1)"
    )
    lab.start("server", python(serves))
    lab.until_listening("server", 4102)
    talks = (
        "import socket, sys\nlink = socket.create_connection(('server', 4102))\n"
        "begun()\nsys.stdin.read(1)\nlink.sendall(b'a')\n"
        "try: print(link.recv(1))\nexcept OSError as error: print(type(error).__name__)"
    )
    script = BEGUN.replace("PORT", "4103") + talks
    talking = lab.start("client", python(script), keep_input=True)
    until_serving(lab.network, 4103)
    lab.restart("server")
    lab.start("server", python(serves))
    lab.until_listening("server", 4102)
    talking.send(b"x")
    assert talking.wait(LONG).stdout == "ConnectionResetError\n"


@fact
def disk_and_memory(lab: Lab) -> None:
    """What a host wrote to its disk survives its death, what it had in memory does not."""
    words = "echo kept >/tmp/kept; echo lost >/dev/shm/lost"
    assert lab.network.start("client", ["sh", "-c", words]).wait(LONG).status == 0
    lab.network.kill("client")
    lab.network.restart("client")
    words = "cat /tmp/kept; cat /dev/shm/lost 2>/dev/null || echo gone; rm /tmp/kept"
    assert lab.network.start("client", ["sh", "-c", words]).wait(LONG).stdout == "kept\ngone\n"


@fact
def restarted(lab: Lab) -> None:
    """A host that was restarted has its addresses, user, folder and environment again."""
    before = {host: lab.address(host) for host in lab.hosts}
    for host in ("client", "server"):
        lab.network.kill(host)
    for host in ("client", "server"):
        lab.network.restart(host)
    for host in lab.hosts:
        path = "/sys/class/net/eth0/address"
        assert lab.network.read(host, path).strip() == lab.address(host).mac == before[host].mac
    text = "import os; print(os.getuid(), os.getcwd(), os.environ['COLOUR'])"
    assert lab.network.start("client", python(text)).wait(LONG).stdout == "4242 /usr red\n"
    assert (said := call(lab)) == "hello", said


@fact
def dead(lab: Lab) -> None:
    """Whatever is asked of a dead host is bad input that says how to revive it."""
    lab.network.kill("client")
    for ask in (
        lambda: lab.network.start("client", ["true"]),
        lambda: lab.network.tc("client", ["qdisc", "show"]),
        lambda: lab.network.read("client", "/proc/net/dev"),
        lambda: lab.network.pause("client"),
        lambda: lab.network.resume("client"),
    ):
        refused(BadInput, "host client was killed; call lab.restart('client') first", ask)
    lab.network.restart("client")


@fact
def paused(lab: Lab) -> None:
    """The programs of a paused host stop, its kernel goes on; resumed, they go on."""
    lab.network.pause("server")
    lab.network.pause("server")
    assert (said := call(lab)) == "TimeoutError", said
    connects = "import socket; socket.create_connection(('server', 7), timeout=2); print('open')"
    assert lab.network.start("client", python(connects)).wait(LONG).stdout == "open\n"
    start = functools.partial(lab.network.start, "server", ["true"])
    refused(BadInput, "host server is paused; call lab.resume('server') first", start)
    lab.network.resume("server")
    lab.network.resume("server")
    assert (said := call(lab)) == "hello", said


@fact
def paused_in_the_middle(lab: Lab) -> None:
    """A program of a paused host does nothing until it goes on, and can be ended."""
    text = "import time\nbegun()\nwhile True: print(1, flush=True); time.sleep(0.05)"
    before = lab.now()
    program = begun(lab.network, text, 4104)
    lab.sleep(0.5)
    lab.network.pause("client")
    lab.sleep(2)
    lab.network.resume("client")
    lab.sleep(0.5)
    seen = program.stop().stdout.count("1")
    most = (lab.now() - before - 2) / 0.05 + 2  # both stretches begin with a number
    assert 2 <= seen <= most, (seen, most)
    program = begun(lab.network, text, 4105)
    lab.network.pause("client")
    assert program.wait(1.0).status is None
    lab.network.kill("client")
    lab.network.restart("client")


STREAMS = """
import socket, sys, threading, time
def talk(made):
    made.settimeout(0.2)
    number = 0
    while True:
        made.sendall(b"x")
        try:
            made.recv(1)
            print(round(time.monotonic(), 3), flush=True)
        except TimeoutError:
            pass
        time.sleep(0.1)
"""


@scenario(baseline=False)
def cut_off(lab: Lab) -> None:
    """A partition holds for both directions, and for connections that are there already."""
    serves = f"{STREAMS}\nserving = socket.create_server(('', 4106))\ntalk(serving.accept()[0])"
    both = [lab.start("server", python(serves))]
    lab.until_listening("server", 4106)
    opens = f"{STREAMS}\ntalk(socket.create_connection(('server', 4106)))"
    both.append(lab.start("client", python(opens)))
    lab.sleep(1)
    lab.partition(("client",), ("server",))
    lab.sleep(0.5)
    assert call(lab) == "TimeoutError"
    lab.sleep(1)
    lab.heal()
    lab.sleep(6)
    assert (said := call(lab)) == "hello", said
    for program in both:
        times = [float(line) for line in program.stop().stdout.split()]
        silences = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert max(silences) >= 3, silences
        assert times[-1] - times[0] > max(silences) + 1
    assert [fault.kind for fault in lab.faults] == ["partition", "heal"]
    lab.expect("both heard one another again", True)


@scenario(baseline=False)
def shaped_again(lab: Lab) -> None:
    """A host that was restarted has its link, and is cut off, as before."""
    lab.shape("client", Link(delay=0.04, loss=0.01))
    lab.restart("client")
    shown = lab.network.tc("client", ["qdisc", "show", "dev", "eth0"])
    assert "delay 40ms" in shown and "loss 1%" in shown, shown
    lab.partition("client")
    lab.kill("client")
    lab.restart("client")
    assert call(lab) == "TimeoutError"
    lab.heal()
    lab.clear("client")
    assert (said := call(lab)) == "hello", said
    assert [(fault.kind, fault.hosts) for fault in lab.faults] == [
        ("restart", ("client",)),
        ("partition", ("client", "server")),
        ("kill", ("client",)),
        ("restart", ("client",)),
        ("heal", ()),
    ]
    lab.expect("it came back as it was", True)


# --- the network


@fact
def reading(lab: Lab) -> None:
    """Files below /proc and /sys are those of the host's own network namespace."""
    for host in lab.hosts:
        seen = lab.network.read(host, "/sys/class/net/eth0/address").strip()
        assert seen == lab.address(host).mac
    assert "eth0:" in lab.network.read("client", "/proc/net/dev")


@fact
def reading_elsewhere(lab: Lab) -> None:
    """Any other path is refused, as is a file that cannot be read."""
    elsewhere = ("/etc/passwd", "/proc/../etc/passwd", "proc/net/dev", "", "/proc", "/proc/a\0b")
    for path in elsewhere:
        words = f"cannot read {path!r} on client; name a file below /proc or /sys"
        refused(BadInput, words, functools.partial(lab.network.read, "client", path))
    for path, why in (
        ("/proc/net/nothing", "No such file or directory"),
        ("/sys/class/net/eth9/address", "No such file or directory"),
        ("/proc/sys/net", "Is a directory"),
    ):
        words = f"cannot read {path} on client: {why}"
        refused(BadInput, words, functools.partial(lab.network.read, "client", path))


@fact
def listening(lab: Lab) -> None:
    """A listener is seen on IPv4, on IPv6, and on both."""
    makes = (
        "socket.create_server(('', 4711))",
        "socket.create_server(('', 4712), family=socket.AF_INET6)",
        "socket.create_server(('', 4713), family=socket.AF_INET6, dualstack_ipv6=True)",
    )
    for port, make in enumerate(makes, start=4711):
        text = f"import socket, time\nmade = {make}\ntime.sleep(4321)"
        program = lab.start("client", python(text))
        lab.until_listening("client", port)
        program.stop()


@fact
def tc_in_its_own_words(lab: Lab) -> None:
    """A `tc` that fails says why in its own words."""
    call = functools.partial(lab.network.tc, "client", ["qdisc", "show", "dev", "nothing"])
    refused(CannotRun, "tc qdisc show dev nothing on client: Cannot find device", call)
    assert lab.network.tc("client", ["-j", "qdisc", "show", "dev", "eth0"]).startswith("[")


@fact
def time(lab: Lab) -> None:
    """Time does not go backwards, and a sleep lasts as long as it should."""
    before = lab.now()
    for seconds in (0.0, 0.001, 0.25):
        lab.network.sleep(seconds)
        after = lab.now()
        assert after - before >= seconds
        before = after


@fact
def no_captures(lab: Lab) -> None:
    """Without a request there are no captures."""
    assert not lab.network.captures()


@fact
def closing_twice(lab: Lab) -> None:
    """A network that is closed can be closed again."""
    lab.network.close()
    lab.network.close()


@scenario(baseline=False)
def captured(lab: Lab) -> None:
    """Some datagrams, for the captures."""
    lab.probe("client", "server", "udp", count=20, interval=0.001)


BURST = """
import socket
made = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(200):
    made.sendto(bytes(1400), ("server", 9))
"""


@scenario(baseline=False, measured=False)
def overrun(lab: Lab) -> None:
    """More packets at once than a capture can keep; a claim that does not rest on them.

    The buffers of the captures are made small, as no option makes them.
    """
    for begun in lab.network._captures:  # type: ignore[attr-defined]
        begun._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lab.run("client", python(BURST))
    lab.expect("the burst was sent", True)

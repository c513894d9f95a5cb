"""What a spinning program last did, as strace tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echolab.engines.exact import java_lines
from echolab.engines.exact.spinning import Seen, seen, why
from echolab.files import Image
from echolab.job import Job
from echolab.kernel import compiled
from echolab.topology import Host, Topology
from tests.needs import lacking

CALLS = """\
41    1700000001.0113 socket(AF_INET, SOCK_DGRAM, 0)    = 3 <0.000000000>
41    1700000001.0114 access("/line 7 of /lab/client.py", F_OK) = -1 ENOENT (…) <0.000001000>
41    1700000001.0115 sendto(3, "hello", 5, 0, {sa_family=AF_INET}, 16) = 5 <0.000000000>
44    1700000001.0116 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=0},  <unfinished ...>
41    1700000001.0117 access("/line 12 of /lab/client.py", F_OK) = -1 ENOENT (…) <0.000001000>
"""


def log_of(folder: Path, *argv: str) -> Path:
    file = folder / "programs.log"
    event = {"event": "start", "pid": 41, "host": "client", "argv": argv}
    file.write_text(json.dumps(event) + "\n", encoding="utf-8")
    return file


def test_the_last_line_and_the_last_calls_of_the_newest_program_are_told(tmp_path: Path) -> None:
    (tmp_path / "calls-9").write_text("9  1.0 accept4(5,  <unfinished ...>\n", encoding="utf-8")
    (tmp_path / "calls-41").write_text(CALLS, encoding="utf-8")
    error = why(log_of(tmp_path, "python3", "client.py"), seen(tmp_path), 30)
    assert error is not None
    assert error.message == (
        "python3 client.py on client has computed for 30 s without a system call, at line 12 of "
        "/lab/client.py, and meanwhile no lab time passes; its last calls: "
        "socket(AF_INET, SOCK_DGRAM, 0) = 3, "
        'sendto(3, "hello", 5, 0, {sa_family=AF_INET}, 16) = 5, '
        "clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=0}, <unfinished ...>"
    )


def test_a_program_in_another_language_has_its_calls_and_no_line(tmp_path: Path) -> None:
    (tmp_path / "calls-41").write_text(CALLS.partition("\n")[0], encoding="utf-8")
    error = why(log_of(tmp_path, "./client"), seen(tmp_path), 30)
    assert error is not None
    assert "without a system call, and meanwhile" in error.message
    assert error.message.endswith("its last calls: socket(AF_INET, SOCK_DGRAM, 0) = 3")


def test_without_a_repetition_the_program_is_named_still(tmp_path: Path) -> None:
    error = why(log_of(tmp_path, "./client", "-v"), seen(tmp_path), 30)
    assert error is not None
    assert error.message.startswith("./client -v on client has computed for 30 s")
    assert "last calls" not in error.message


def test_nobody_is_named_if_nothing_is_known_to_run(tmp_path: Path) -> None:
    assert why(tmp_path / "none", Seen(), 30) is None


def test_what_a_java_machine_does_to_show_its_lines_is_none_of_its_calls(tmp_path: Path) -> None:
    ready = '42    1700000001.0111 access("/lines", F_OK) = -1 ENOENT (…) <0.000001000>\n'
    (tmp_path / "calls-41").write_text(
        f"{CALLS.partition(chr(10))[0]}\n{ready}"
        "41    1700000001.0114 --- SIGTRAP {si_signo=SIGTRAP, si_code=SI_KERNEL} ---\n"
        '41    1700000001.0114 access("/line 7 of Main.java", F_OK) = -1 ENOENT (…) <0.000001>\n',
        encoding="utf-8",
    )
    told = seen(tmp_path)
    assert told.line == "7 of Main.java"
    assert told.calls == ("socket(AF_INET, SOCK_DGRAM, 0) = 3",)


def test_java_programs_can_be_asked_on_hosts_with_the_machines_files(tmp_path: Path) -> None:
    plain = Host("client", environment={"JAVA_TOOL_OPTIONS": "-Xmx64m", "A": "b"})
    image = Host("server", image=Image("busybox"))
    given = Job("made", "made.py", Topology((plain, image)), seed=1, folders=("/classes",))
    job = java_lines.asked(given, tmp_path, tmp_path / "cache")
    if job == given:
        lacking("there is no C compiler")
    assert job.folders == ("/classes", "java-lines.so")
    assert (tmp_path / "java-lines.so").is_file()
    assert job.topology.hosts[0].environment == {
        "JAVA_TOOL_OPTIONS": "-Xmx64m -agentpath:/lab/java-lines.so",
        "A": "b",
    }
    assert job.topology.hosts[1] == image


def test_without_a_compiler_java_programs_run_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "ENVIRONMENT", {"PATH": str(tmp_path)})
    given = Job("made", "made.py", Topology((Host("client"),)), seed=1)
    assert java_lines.asked(given, tmp_path, tmp_path) == given


def test_the_program_that_computes_is_named_although_a_newer_one_waits(tmp_path: Path) -> None:
    server, client = (
        {"event": "start", "pid": pid, "host": host, "argv": [f"./{host}"]}
        for pid, host in ((41, "server"), (45, "client"))
    )
    log = tmp_path / "programs.log"
    log.write_text(f"{json.dumps(server)}\n{json.dumps(client)}\n", encoding="utf-8")
    (tmp_path / "calls-41").write_text(
        '42 1.000000001 accept4(3,  <unfinished ...>\n41 1.000000001 read(4, "x", 1) = 1 <0.0>\n'
    )
    (tmp_path / "calls-45").write_text(
        '1.000000001 sendto(3, "x", 1, 0, NULL, 0) = 1 <0.000000000>\n1.000000002 recvfrom(3, '
    )
    error = why(log, seen(tmp_path), 30)
    assert error is not None
    assert error.message.startswith("./server on server has computed for 30 s")
    assert error.message.endswith(', read(4, "x", 1) = 1')

"""A working folder that each host has for itself, and bytes that come back whole."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.job import Job
from echolab.record import Record
from echolab.settings import Settings
from echolab.topology import Host, Topology
from tests.needs import lacking

pytestmark = pytest.mark.exact

SCRIPT = '''"""Two hosts write in their working folder."""

from echolab import Lab, scenario

WRITES = """
import os, sys
print(os.getcwd(), open("text").read(), sorted(os.listdir(".")))
for name in ("text", sys.argv[1], "inner/text"):
    open(name, "w").write(sys.argv[1])
"""


@scenario(baseline=False)
def writes(lab: Lab) -> None:
    for host in ("a", "b"):
        print(lab.run(host, ["python3", "-c", WRITES, host]).stdout, end="")
    lab.network.fetch("b", "/lab/work/text", "fetched")
    program = lab.start("a", ["printf", r"\\000\\377"])
    lab.sleep(0.1)
    print(lab.network.written(program._program))
    try:
        lab.network.fetch("a", "/lab/work/none", "never")
    except Exception as error:
        print(error)
'''


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Path]:
    settings = Settings.from_environment(os.environ)
    if lack := engine.lack(settings):
        lacking(f"{lack.what}; {lack.remedy}")
    folder = tmp_path_factory.mktemp("run")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "work/inner").mkdir(parents=True)
    for path in (folder / "work/text", folder / "work/inner/text"):
        path.write_text("as handed in")
        path.chmod(0o666)
    (folder / "work/inner").chmod(0o777)
    job = Job(
        "writes",
        str(folder / "script.py"),
        Topology((Host("a", idle=True), Host("b", idle=True))),
        folders=("work",),
        workdir="work",
    )
    record = engine.run(job, dataclasses.replace(settings, folder=folder), lambda line: None)
    return record, folder


def test_each_host_writes_in_a_working_folder_of_its_own(ran: tuple[Record, Path]) -> None:
    record, folder = ran
    lines = record.printed.splitlines()
    assert lines[:2] == ["/lab/work as handed in ['inner', 'text']"] * 2
    assert (folder / "work/text").read_text() == "as handed in"
    assert sorted(path.name for path in (folder / "work").iterdir()) == ["inner", "text"]


def test_a_file_of_a_host_is_fetched(ran: tuple[Record, Path]) -> None:
    record, folder = ran
    assert (folder / "fetched").read_text() == "b"
    assert "cannot read /lab/work/none on a" in record.printed


def test_bytes_that_are_not_text_come_back_as_they_were_written(ran: tuple[Record, Path]) -> None:
    assert repr(b"\0\xff") in ran[0].printed

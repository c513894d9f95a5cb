"""builder.py COMMANDS: run the commands in this folder, print how they ended.

COMMANDS is a JSON list of argument vectors. Prints one JSON object: the `status` of the first
command that failed or 0, and the commands' `output`. New and changed files are then in the archive
ARCHIVE, which is missing if a command failed.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

OWN = Path(".builder")
"""Where compilers keep what only they need, and the archive is made."""

ARCHIVE = OWN / "built.tar.gz"

LONGEST_OUTPUT = 8000

Known = dict[Path, tuple[int, int]]


def take_over(top: Path) -> Known:
    """Make the files this user's own, as they are at home; return each one's size and time."""
    for path in sorted(top.rglob("*")):
        if path.is_file():
            copy = path.with_name(".copying")
            shutil.copy2(path, copy)
            copy.replace(path)
    return {path: state(path) for path in top.rglob("*")}


def state(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_size, found.st_mtime_ns


def run(commands: list[list[str]]) -> tuple[int, str]:
    output = ""
    own = {"HOME": str(OWN.absolute()), "TMPDIR": str(OWN.absolute())}
    for command in commands:
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **own},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            return 127, f"{output}{command[0]}: {error.strerror}"
        said = (done.stdout + done.stderr).decode(errors="replace")
        output = (output + said)[-LONGEST_OUTPUT:]
        if done.returncode != 0:
            return done.returncode, output
    return 0, output


def archive(top: Path, known: Known) -> None:
    with tarfile.open(ARCHIVE, "w:gz", compresslevel=1, dereference=True) as tar:
        for path in sorted(top.rglob("*")):
            if path.is_symlink() or not path.is_file() or known.get(path) == state(path):
                continue
            if OWN not in path.parents:
                tar.add(path, path.relative_to(top))


def main() -> None:
    top = Path()
    known = take_over(top)
    OWN.mkdir()
    status, output = run(json.loads(sys.argv[1]))
    if status == 0:
        try:
            archive(top, known)
        except OSError as error:
            status, output = 1, f"the build made too much: {error.strerror}"
    print(json.dumps({"status": status, "output": output}))


main()

"""builder.py FOLDER COMMANDS: copy FOLDER, run the commands there, print what they made.

COMMANDS is a JSON list of argument vectors. Prints one JSON object: the `status` of the
first command that failed or 0, the commands' `output`, and an `archive` of the files that
are new or changed (tar, compressed, base64).
"""

import base64
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

WORK = Path("/tmp/build")  # noqa: S108 (a folder in the memory of this host alone)
LONGEST_OUTPUT = 8000
LARGEST_ARCHIVE = 700_000

Known = dict[Path, tuple[int, int]]


def copy(source: Path) -> Known:
    """Copy the submission to WORK; the size and time of each file there."""
    shutil.copytree(source, WORK)
    for path in [WORK, *WORK.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o700)
    return {path: state(path) for path in WORK.rglob("*")}


def state(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_size, found.st_mtime_ns


def run(commands: list[list[str]]) -> tuple[int, str]:
    output = ""
    for command in commands:
        try:
            done = subprocess.run(
                command, cwd=WORK, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        except OSError as error:
            return 127, f"{output}{command[0]}: {error.strerror}"
        said = (done.stdout + done.stderr).decode(errors="replace")
        output = (output + said)[-LONGEST_OUTPUT:]
        if done.returncode != 0:
            return done.returncode, output
    return 0, output


def archive(known: Known) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
        for path in sorted(WORK.rglob("*")):
            if path.is_symlink() or not path.is_file() or known.get(path) == state(path):
                continue
            tar.add(path, path.relative_to(WORK))
    return stream.getvalue()


def main() -> None:
    known = copy(Path(sys.argv[1]))
    status, output = run(json.loads(sys.argv[2]))
    made: dict[str, object] = {"status": status, "output": output}
    if status == 0:
        data = archive(known)
        if len(data) > LARGEST_ARCHIVE:
            made = {"status": 1, "output": f"the build made {len(data)} bytes, packed; too much"}
        else:
            made["archive"] = base64.b64encode(data).decode()
    print(json.dumps(made))


main()

"""A built kernel as one file to pass on: the executable, followed by what it needs.

Strategy: a program may have anything after its end (elf(5)), so the file is still the kernel. The
preloaded object follows, then the kernel's description as JSON, then two lengths.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from pathlib import Path

from echolab.errors import BadInput, CannotRun
from echolab.kernel.image import Kernel

END = struct.Struct("<QQ8s")
"""The lengths of the preloaded object and of the JSON, and `MAGIC`."""

MAGIC = b"echolabK"

FACTS = "kernel.json"

REMEDY = "write the kernel again: build kernel --out FILE"


def pack(kernel: Kernel, to: Path) -> None:
    """Write a kernel to one file, whole or not at all. Raises CannotRun if that fails."""
    facts = {name: getattr(kernel, name) for name in ("release", "source", "digest")}
    told = json.dumps(facts).encode()
    draft = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        preload = kernel.preload.read_bytes()
        with draft.open("wb") as file:
            file.write(kernel.path.read_bytes())
            file.write(preload + told + END.pack(len(preload), len(told), MAGIC))
        draft.chmod(0o755)
        draft.replace(to)
    except OSError as error:
        raise CannotRun(f"cannot write {to}: {error.strerror}", "choose another file") from None
    finally:
        draft.unlink(missing_ok=True)


def unpack(path: Path, room: Path) -> Path | None:
    """The folder below `room` with the files of a packed kernel; None if it is not packed.

    They are put there at its first use. Raises BadInput for a damaged file, and
    CannotRun if nothing can be written there.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() < END.size:
                return None
            file.seek(-END.size, os.SEEK_END)
            of_preload, of_facts, magic = END.unpack(file.read())
            if magic != MAGIC:
                return None
            file.seek(0)
            content = file.read()
    except OSError as error:
        raise BadInput(f"cannot read the kernel {path}: {error.strerror}", REMEDY) from None
    behind = END.size + of_facts + of_preload
    linux, preload = content[:-behind], content[-behind : -END.size - of_facts]
    told = content[-END.size - of_facts : -END.size]
    try:
        digest = str(json.loads(told)["digest"])
    except (ValueError, KeyError, TypeError):
        digest = ""
    if hashlib.sha256(linux).hexdigest() != digest:
        raise BadInput(f"the kernel {path} is damaged: its digest differs", REMEDY)
    folder = room / f"handed-{hashlib.sha256(content).hexdigest()[:16]}"
    if not folder.is_dir():
        _write(folder, {"linux": linux, "preload.so": preload, FACTS: told})
    return folder


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Make the folder with these files, whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            for name, content in files.items():
                (draft / name).write_bytes(content)
                (draft / name).chmod(0o644 if name == FACTS else 0o755)
            draft.chmod(0o755)
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process may have made it meanwhile
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise CannotRun(
            f"the kernel cannot be unpacked in {folder.parent}: {error.strerror}",
            "set XDG_CACHE_HOME to a writable folder",
        ) from None

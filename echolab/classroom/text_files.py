"""Undo what editors, Windows and Git do to text files, if it would keep a program from starting.

Nothing is fixed that a student's own machine would reject as well.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import PurePosixPath

from echolab.classroom.languages import LANGUAGES

SCRIPTS = frozenset({"run", "Makefile", "makefile", "GNUmakefile", "gradlew", "mvnw"})
"""Files whose lines may not end with a carriage return."""

SCRIPT_ENDINGS = frozenset({".sh", ".mk"})

TEXTS = frozenset({*LANGUAGES, *SCRIPT_ENDINGS, ".h", ".hpp", ".hh", ".txt", ".json", ".toml",
                   ".xml", ".mod", ".gradle", ".kts", ".cmake", ".md"})  # fmt: skip
"""Endings of the names of text files."""

LONGEST_LINK = 255
"""The most bytes of a file that may stand for a link; a path within a submission is short."""

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
         (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


def is_text(name: str) -> bool:
    """Whether a file of that name is a text file, as far as its name tells."""
    path = PurePosixPath(name)
    return path.name in SCRIPTS or path.suffix in TEXTS


def normalized(name: str, data: bytes) -> bytes:
    """The bytes of a file as a compiler or an interpreter here accepts them.

    A text in UTF-16, or with a byte order mark, becomes UTF-8 without one. A script's lines
    end with a line feed alone. Java in an older Windows encoding becomes UTF-8.
    """
    script = data.startswith(b"#!") or PurePosixPath(name).name in SCRIPTS
    if not script and not is_text(name):
        return data
    data = _utf8(data)
    if PurePosixPath(name).suffix == ".java":
        data = _from_windows(data)
    if script or data.startswith(b"#!") or PurePosixPath(name).suffix in SCRIPT_ENDINGS:
        data = data.replace(b"\r\n", b"\n")
    return data


def _utf8(data: bytes) -> bytes:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _converted(data[len(mark) :], encoding)
    if len(data) >= 4 and data[1:4:2] == b"\0\0" and b"\0" not in data[:4:2]:
        return _converted(data, "utf-16-le")  # UTF-16 without a byte order mark
    return data


def _converted(data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return data


def _from_windows(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        return _converted(data, "cp1252")
    return data


def linked_to(name: str, data: bytes, files: Mapping[str, object]) -> str | None:
    """The file that a text stands for, if Git wrote a link as the text of its target.

    Git does so if it may not make links, as on Windows (git-config(1), core.symlinks).
    """
    if not 0 < len(data) <= LONGEST_LINK or b"\n" in data or not is_text(name):
        return None
    try:
        target = data.decode()
    except UnicodeDecodeError:
        return None
    parts: list[str] = list(PurePosixPath(name).parent.parts)
    for part in target.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    path = "/".join(parts)
    return path if path != name and path in files else None

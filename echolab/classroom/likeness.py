"""Submissions that are the same: byte for byte, or except for their format and comments.

This is a remark for the lecturer to look into. It judges nothing: a short task has few good
solutions, and two students may have been allowed to work together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import re
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path

from echolab.language import translate as _

LONGEST = 1 << 20
"""The most bytes of a file that is compared without its format; longer ones are compared byte
for byte."""

NAMED = 5
"""How many others a remark names."""

NOT_COMPARED = frozenset({"predictions.txt", "__pycache__", "node_modules", "target", "build"})

COMMENTED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\s+""", re.DOTALL
)
"""Comments, strings and spaces of C, C++, Java, JavaScript, Go and Rust."""

LIKE_C = frozenset({".c", ".h", ".cc", ".cpp", ".hpp", ".java", ".js", ".mjs", ".ts", ".go", ".rs"})

SPACES = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING})

LAYOUT = {tokenize.NEWLINE: "\n", tokenize.INDENT: "\t", tokenize.DEDENT: "\b"}
"""Tokens of Python whose text differs with the format, though their meaning does not."""


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """Digests of a submission's files: as they are, and without format and comments.

    Both are empty if there are no files. File names and folders do not count there; `whole` is the
    digest of everything, with names and predictions.
    """

    exact: str = ""
    meaning: str = ""
    whole: str = ""


def fingerprint(submission: Path) -> Fingerprint:
    """The fingerprint of a submission, a folder or one file; empty if it cannot be read."""
    exact, meaning, whole = [], [], []
    try:
        for path in _files(submission):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            whole.append(f"{path.relative_to(submission)!r} {digest}")
            if data.strip() and path.name not in NOT_COMPARED:
                exact.append(digest)
                meaning.append(_digest_of_meaning(data, path.suffix))
    except OSError:
        return Fingerprint()
    if not exact:
        return Fingerprint(whole=_together(whole))
    return Fingerprint(_together(exact), _together(meaning), _together(whole))


def _together(digests: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def _files(submission: Path) -> list[Path]:
    if submission.is_file():
        return [submission]
    found = []
    for folder, folders, files in os.walk(submission):
        folders[:] = [name for name in folders if _compared(name) and name not in NOT_COMPARED]
        found += [
            path for name in files if _compared(name) and _regular(path := Path(folder, name))
        ]
    return found


def _compared(name: str) -> bool:
    return not name.startswith(".")


def _regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _digest_of_meaning(data: bytes, suffix: str) -> str:
    if len(data) <= LONGEST:
        text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").removeprefix("\ufeff")
        data = without_format(text, suffix).encode("utf-8", errors="replace")
    return hashlib.sha256(data).hexdigest()


def without_format(text: str, suffix: str) -> str:
    """A program's text without what makes no difference: comments, blanks, empty lines."""
    if suffix == ".py":
        try:
            tokens = tokenize.generate_tokens(io.StringIO(text).readline)
            return "\0".join(LAYOUT.get(t.type, t.string) for t in tokens if t.type not in SPACES)
        except (tokenize.TokenError, SyntaxError):
            return " ".join(text.split())
    if suffix in LIKE_C:
        return COMMENTED.sub(lambda found: found[1] or "", text)
    return " ".join(text.split())


def remarks(
    prints: Mapping[str, Fingerprint], starters: Mapping[str, Fingerprint]
) -> dict[str, str]:
    """A remark on each label whose submission is the same as another's, or as a starter."""
    known = {one.meaning: name for name, one in starters.items()}
    groups: dict[str, list[str]] = {}
    for label, own in prints.items():
        if own.meaning:
            groups.setdefault(own.meaning, []).append(label)
    told: dict[str, str] = {}
    for meaning, labels in groups.items():
        for label in labels:
            others = [other for other in labels if other != label]
            if meaning in known:
                starter = known[meaning]
                told[label] = _("the same as {name}, as it was handed out").format(name=starter)
            elif others:
                told[label] = _likeness(prints[label], others, prints)
    return told


def _likeness(own: Fingerprint, others: list[str], prints: Mapping[str, Fingerprint]) -> str:
    same = [other for other in others if prints[other].exact == own.exact]
    alike = [other for other in others if prints[other].exact != own.exact]
    words = [_("the same bytes as {names}").format(names=_several(same))] if same else []
    if alike:
        words.append(_("the same as {names} but for its format").format(names=_several(alike)))
    return "; ".join(words)


def _several(labels: list[str]) -> str:
    shown = ", ".join(labels[:NAMED])
    return (
        shown
        if len(labels) <= NAMED
        else _("{names} and {count} more").format(names=shown, count=len(labels) - NAMED)
    )


def starters(folder: Path) -> dict[str, Fingerprint]:
    """The fingerprints of the starters of an exercise in that folder."""
    return {path.name: fingerprint(path) for path in sorted(folder.glob("starter-*"))}

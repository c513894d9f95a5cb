"""The account that a service's `user` means, by its image's /etc/passwd and /etc/group.

Source: how Docker reads them, moby/sys/user, GetExecUser.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from echolab.errors import BadInput

LARGEST_ID = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Person:
    """Whom programs run as: `groups` are supplementary groups, `home` is a folder of the image."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


def find(user: str, added: Sequence[str], passwd: str, group: str, where: str) -> Person:
    """The account that USER or USER:GROUP means, each by name or number; root if it is empty.

    `added` are supplementary groups (`group_add`); `passwd` and `group` are the texts of those
    files. Raises BadInput for a name that is not in them.
    """
    name, colon, wanted = (user or "0").partition(":")
    line = next(_people(passwd, name), None)
    if line is not None:
        uid, gid, home = int(line[2]), int(line[3]), line[5] or "/"
    else:
        uid, gid, home = _number(name, f"{where}: its image has no user '{name}'"), 0, "/"
    groups: list[int] = []
    if colon and wanted:
        gid = _group(wanted, group, where)
    elif line is not None:
        groups = [int(one[2]) for one in _groups(group) if line[0] in one[3].split(",")]
    groups += [_group(one, group, where) for one in added]
    return Person(uid, gid, tuple(dict.fromkeys(groups)), home)


def _people(passwd: str, wanted: str) -> Iterator[list[str]]:
    """The lines for a name, then those for a number (passwd(5))."""
    lines = [line.split(":") for line in passwd.splitlines()]
    lines = [
        [*line, "", ""][:7]
        for line in lines
        if len(line) >= 6 and _is_id(line[2]) and _is_id(line[3])
    ]
    yield from (line for line in lines if line[0] == wanted)
    if _is_id(wanted):
        yield from (line for line in lines if int(line[2]) == int(wanted))


def _groups(group: str) -> list[list[str]]:
    lines = [[*line.split(":"), ""][:4] for line in group.splitlines()]
    return [line for line in lines if len(line) == 4 and _is_id(line[2])]


def _group(wanted: str, group: str, where: str) -> int:
    for line in _groups(group):
        if line[0] == wanted:
            return int(line[2])
    return _number(wanted, f"{where}: its image has no group '{wanted}'")


def _number(text: str, what: str) -> int:
    if not _is_id(text):
        raise BadInput(what, "give a name that its /etc/passwd and /etc/group have, or a number")
    return int(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST_ID

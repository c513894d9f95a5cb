"""Whom `user` means, by an image's own files."""

from __future__ import annotations

import pytest

from echolab.errors import BadInput
from echolab.roots.accounts import Person, find
from echolab.roots.reference import whole

PASSWD = """root:x:0:0:root:/root:/bin/sh
# no line
app:x:7:8:App:/srv:
broken:x:z:1::/:
9:x:5:5::/n:
"""
GROUP = "root:x:0:\napps:x:8:\nextra:x:20:other,app\nbroken\n"


@pytest.mark.parametrize(
    ("user", "person"),
    [
        ("", Person(0, 0, (), "/root")),
        ("app", Person(7, 8, (20,), "/srv")),
        ("7", Person(7, 8, (20,), "/srv")),
        ("app:extra", Person(7, 20, (), "/srv")),
        ("app:0", Person(7, 0, (), "/srv")),
        ("1234", Person(1234, 0, (), "/")),
        ("1234:5678", Person(1234, 5678, (), "/")),
        ("9", Person(5, 5, (), "/n")),
    ],
)
def test_a_user_is_found_by_name_or_number(user: str, person: Person) -> None:
    """A name that is a number counts as a name first (moby/sys/user)."""
    assert find(user, [], PASSWD, GROUP, "x") == person


def test_further_groups_are_added() -> None:
    assert find("app", ["root", "77"], PASSWD, GROUP, "x").groups == (20, 0, 77)


@pytest.mark.parametrize("user", ["nobody", "broken", "app:none", "-1", "99999999999", "²"])
def test_a_name_that_the_image_does_not_have_is_refused(user: str) -> None:
    with pytest.raises(BadInput, match="file: host: its image has no"):
        find(user, [], PASSWD, GROUP, "file: host")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("me/app", "docker.io/me/app:latest"),
        ("localhost/app:2", "localhost/app:2"),
        ("host:5000/app", "host:5000/app:latest"),
        ("app@sha256:" + "a" * 64, "docker.io/library/app@sha256:" + "a" * 64),
        ("no name", "no name"),
    ],
)
def test_a_name_of_an_image_is_made_whole(name: str, meant: str) -> None:
    assert whole(name) == meant

"""Names of images: two names of the same image are the same reference.

Source: the reference grammar and the defaults of distribution/reference, which Docker uses.
"""

from __future__ import annotations

import re

REGISTRY, OFFICIAL, TAG = "docker.io", "library", "latest"

NAME = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._/:-]*?)(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?"
)


def whole(name: str) -> str:
    """The name with everything that it leaves out: `nginx` is `docker.io/library/nginx:latest`.

    What is not a name of an image is returned unchanged.
    """
    found = NAME.fullmatch(name)
    if found is None:
        return name
    path, tag, digest = found["name"], found["tag"], found["digest"]
    first, slash, _ = path.partition("/")
    if not slash:
        path = f"{REGISTRY}/{OFFICIAL}/{path}"
    elif not ("." in first or ":" in first or first == "localhost"):
        path = f"{REGISTRY}/{path}"
    return f"{path}@{digest}" if digest else f"{path}:{tag or TAG}"

"""Small images for labs: busybox and a few files, without any registry."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.needs import lacking
from tests.roots.archives import Entry, entry, folder, link, saved, tar

PACKAGE = "busybox-static"

NAMES = (
    "sh cat chown df echo env false grep id ls mkdir nc nslookup pwd rm sleep stat tail test touch"
)

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1234:2345:App:/data:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:2345:\nextra:x:3456:app\n"


def program(cache: Path) -> bytes:
    """The program busybox, linked statically: this machine's, or that of Debian's package."""
    for path in (Path("/bin/busybox"), Path("/usr/bin/busybox"), cache / "busybox"):
        if path.is_file() and b"ld-linux" not in path.read_bytes():
            return path.read_bytes()
    try:
        subprocess.run(
            ["apt-get", "download", PACKAGE],
            cwd=cache,
            capture_output=True,
            check=True,
            timeout=120,
        )
        package = next(cache.glob(f"{PACKAGE}_*.deb"))
        packed = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True, timeout=60
        )
    except (OSError, StopIteration, subprocess.SubprocessError):
        lacking(f"there is no static busybox; run: apt-get install {PACKAGE}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        found = archive.extractfile(next(one for one in archive if one.name.endswith("/busybox")))
        assert found is not None
        (cache / "busybox").write_bytes(found.read())
    return (cache / "busybox").read_bytes()


def image(path: Path, cache: Path, entries: Iterable[Entry] = (), **own: Any) -> Path:
    """An archive of `docker save` with busybox, accounts, and whatever else it shall have."""
    layer = [
        folder("bin"),
        entry("bin/busybox", program(cache), mode=0o4755),
        *(link(f"bin/{name}", "busybox") for name in NAMES.split()),
        entry("etc/passwd", PASSWD),
        entry("etc/group", GROUP),
        folder("tmp", mode=0o1777),
        *entries,
    ]
    return saved(path, [tar(layer)], **{"Env": ["PATH=/bin"], **own})

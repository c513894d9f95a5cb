"""Archives of images, made entry by entry: right ones and hostile ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Entry = tuple[tarfile.TarInfo, bytes]

Pack = Callable[[bytes], bytes]

BUSYBOX = Path(shutil.which("busybox") or "/bin/busybox")


def entry(name: str, content: bytes = b"", **changed: Any) -> Entry:
    """One entry of an archive: a file with that content, unless its `type` is another."""
    info = tarfile.TarInfo(name)
    info.mtime = 1_600_000_000
    info.mode = 0o644
    info.size = len(content)
    for key, value in changed.items():
        setattr(info, key, value)
    return info, content


def folder(name: str, **changed: Any) -> Entry:
    """A folder."""
    return entry(name, type=tarfile.DIRTYPE, **{"mode": 0o755, **changed})


def link(name: str, target: str) -> Entry:
    """A symbolic link."""
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hard(name: str, target: str) -> Entry:
    """A hard link."""
    return entry(name, type=tarfile.LNKTYPE, linkname=target)


def tar(entries: Iterable[Entry], form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive with these entries."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def plain(data: bytes) -> bytes:
    """A layer as it is."""
    return data


def gzipped(data: bytes) -> bytes:
    """A layer, compressed by gzip."""
    return gzip.compress(data, mtime=0)


def zstd(data: bytes) -> bytes:
    """A layer, compressed by zstd(1)."""
    return subprocess.run(["zstd", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def digest(data: bytes) -> str:
    """The digest of a blob."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config(layers: Sequence[bytes], **own: Any) -> bytes:
    """The configuration of an image with these layers, unpacked."""
    about = {
        "architecture": own.pop("architecture", "amd64"),
        "os": "linux",
        "config": own,
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
    }
    return json.dumps(about).encode()


def saved(
    path: Path, layers: Sequence[bytes], *, tags: Sequence[str] = ("test:latest",), **own: Any
) -> Path:
    """An archive of `docker save`."""
    about = config(layers, **own)
    name = f"{digest(about).removeprefix('sha256:')}.json"
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": names}]
    files = {name: about, **dict(zip(names, layers, strict=True))}
    files["manifest.json"] = json.dumps(manifest).encode()
    return archive(path, files)


def oci(
    path: Path, layers: Sequence[bytes], *, pack: Pack = gzipped, name: str = "", **own: Any
) -> Path:
    """An OCI archive."""
    return archive(path, oci_files(layers, pack=pack, name=name, **own))


def oci_files(
    layers: Sequence[bytes], *, pack: Pack = gzipped, name: str = "", **own: Any
) -> dict[str, bytes]:
    """The files of an OCI archive."""
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(data: bytes) -> dict[str, Any]:
        files[f"blobs/{digest(data).replace(':', '/')}"] = data
        return {"digest": digest(data), "size": len(data)}

    about = blob(config(layers, **own))
    manifest = {"config": about, "layers": [blob(pack(one)) for one in layers]}
    described = blob(json.dumps(manifest).encode())
    described["annotations"] = {"org.opencontainers.image.ref.name": name}
    files["index.json"] = json.dumps({"manifests": [described]}).encode()
    return files


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """An archive of files by their names."""
    path.write_bytes(tar(entry(name, data) for name, data in files.items()))
    return path

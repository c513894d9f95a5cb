"""The content of a compressed layer: its bytes, their limit, and their digest."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from echolab.errors import BadInput, CannotRun

CHUNK = 1 << 20

GZIP, ZSTD, XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"
"""How compressed files begin (RFC 1952, RFC 8878, xz's own format)."""

DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, tarfile.TarError)
"""What is raised for bytes that are not valid."""


class Counted(io.RawIOBase):
    """A stream that digests what is read from it, and allows at most `most` bytes."""

    def __init__(self, source: IO[bytes], most: int, where: str) -> None:
        super().__init__()
        self._source = source
        self._left = most
        self._most = most
        self._where = where
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises BadInput if there are more than are allowed."""
        data = self._source.read(CHUNK if size < 0 else min(size, CHUNK))
        self._left -= len(data)
        if self._left < 0:
            raise BadInput(
                f"{self._where} unpacks to more than {self._most >> 30} GiB",
                "use a smaller image",
            )
        self._digest.update(data)
        return data

    def finish(self) -> str:
        """Read what is left, and return the digest of the whole."""
        while self.read(CHUNK):
            pass
        return f"sha256:{self._digest.hexdigest()}"


@contextlib.contextmanager
def unpacked(source: IO[bytes], where: str) -> Iterator[IO[bytes]]:
    """The decompressed bytes of a file, whose first bytes tell how it is compressed.

    Raises CannotRun for zstd if that program is missing.
    """
    begin = source.read(6)
    source.seek(0)
    if begin.startswith(GZIP):
        with gzip.GzipFile(fileobj=source) as stream:
            yield cast(IO[bytes], stream)
    elif begin.startswith(XZ):
        with lzma.LZMAFile(source) as stream:
            yield cast(IO[bytes], stream)
    elif begin.startswith(ZSTD):
        with _zstd(source, where) as stream:
            yield stream
    else:
        yield source


@contextlib.contextmanager
def _zstd(source: IO[bytes], where: str) -> Iterator[IO[bytes]]:
    """The output of zstd(1) for a file; Python has had a module for it only since 3.14."""
    program = shutil.which("zstd")
    if program is None:
        raise CannotRun(
            f"{where} is compressed by zstd, which is not installed", "run: apt-get install zstd"
        )
    with contextlib.ExitStack() as undo:
        own = undo.enter_context(tempfile.TemporaryFile())
        shutil.copyfileobj(source, own, CHUNK)
        own.seek(0)
        process = undo.enter_context(
            subprocess.Popen(
                [program, "-d", "-c", "-q"],
                stdin=own,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
        assert process.stdout is not None
        try:
            yield cast(IO[bytes], _Checked(process))
        finally:
            process.stdout.close()
            process.kill()


class _Checked(io.RawIOBase):
    """The output of a program; at its end, check that it succeeded."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__()
        self._process = process

    def read(self, size: int = -1) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if not data and size != 0 and self._process.wait() != 0:
            raise EOFError("zstd could not unpack it")
        return data

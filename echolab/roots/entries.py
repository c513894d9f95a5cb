"""Entries of an archive whose headers are checked; the module tarfile is more lenient.

It treats a damaged header as the archive's end, and reads headers of any size into memory.
"""

from __future__ import annotations

import tarfile
from typing import Self

from echolab.roots.tree import Outside

LARGEST_HEADER = 1 << 20
"""The most bytes of an archive's header: names and attributes, which are read into memory."""

HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class Entry(tarfile.TarInfo):
    """An entry whose headers are intact and not too large."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The entry in a block.

        Raises Outside for an entry that the module tarfile would treat as the archive's end, and
        for a header that would fill the memory.
        """
        try:
            found = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not buf or not any(buf):  # the end, which tarfile recognizes
                raise
            raise Outside(f"one of its headers is damaged ({error})") from None
        if found.type in HEADERS and found.size > LARGEST_HEADER:
            raise Outside(f"a header of {found.size} bytes")
        return found


class EndedEntry(Entry):
    """The same in an archive that must mark its end, because no digest covers it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The entry in a block. Raises Outside if there is none, not even an empty one."""
        if not buf:
            raise Outside("it ends too soon")
        return super().frombuf(buf, encoding, errors)

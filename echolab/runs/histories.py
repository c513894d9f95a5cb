"""Histories to judge, from files: part of a record, or a file of their own."""

from __future__ import annotations

from pathlib import Path

from echolab.errors import BadInput
from echolab.history.read import REMEDY, parse
from echolab.history.values import History
from echolab.record import format
from echolab.runs import folders


def read(path: Path, name: str = "") -> tuple[History, str]:
    """The history of a file, a record, or the folder of a run; and the model that it claims.

    `name` says which history of a record is meant, if it has several. The model is "" if no claim
    names one. Raises BadInput for a file that cannot be read or has no history.
    """
    file = path / folders.RECORD if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"cannot read the history {path}: {why}", "check the path") from None
    if file.name == folders.RECORD:
        return _of_record(text, str(file), name)
    history = parse(text, str(path))
    if not history:
        raise BadInput(f"{path} has no operation", REMEDY)
    return history, ""


def _of_record(text: str, where: str, name: str) -> tuple[History, str]:
    record = format.parse(text, where)
    if not record.histories:
        raise BadInput(f"{where} has no history", "a scenario's `lab.workload` leaves one")
    found = {one.name: one for one in record.histories}
    wanted = name or record.histories[0].name
    if wanted not in found:
        raise BadInput(f"{where} has no history '{wanted}'", f"it has {', '.join(found)}")
    claimed = [claim.model for claim in record.claims if claim.history == wanted]
    return found[wanted].operations, claimed[0] if claimed else ""

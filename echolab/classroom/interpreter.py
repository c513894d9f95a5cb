"""The Python that submissions run in: the standard library alone, the same on every machine.

A machine's site-packages differ from another's, and what their `.pth` files name is imported
at each start of the interpreter (site(1)): a submission that needs one of them works here
and nowhere else, and all others wait for it. A virtual environment without packages has the
interpreter and nothing beside it (PEP 405).
"""

from __future__ import annotations

from pathlib import Path

from echolab.engines import exact

FOLDER = "python"
"""The folder, in a run's own, from which the guest takes it."""

PYTHON = f"/lab/{FOLDER}/bin/python3"
"""Where a host finds it."""


def furnish(folder: Path) -> None:
    """Make the environment in the new folder `folder`; it has two small files."""
    interpreter = exact.interpreter()
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(interpreter)
    (folder / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\n", encoding="utf-8"
    )

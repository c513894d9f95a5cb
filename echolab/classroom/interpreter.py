"""The Python that runs submissions: the standard library alone, the same on every machine.

Site-packages differ from machine to machine, and the interpreter imports what their `.pth` files
name at every start (Python's module `site`). A submission that needs such a package would work on
one machine only, and every other submission would pay for the import. A virtual environment without
packages has the interpreter and nothing else (PEP 405).
"""

from __future__ import annotations

from pathlib import Path

from echolab.engines.exact import engine

FOLDER = "python"
"""The folder, in a run's own, from which the guest takes it."""

PYTHON = f"/lab/{FOLDER}/bin/python3"
"""Where a host finds it."""


def furnish(folder: Path) -> None:
    """Create the environment in the new folder `folder`; it consists of two small files."""
    interpreter = engine.interpreter()
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(interpreter)
    settings = folder / "pyvenv.cfg"
    settings.write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\n", encoding="utf-8"
    )
    for path, mode in ((folder, 0o755), (folder / "bin", 0o755), (settings, 0o644)):
        path.chmod(mode)  # a submission runs as another user, whatever the umask is

"""Every message that people read, as it stands in the sources: what a catalogue must translate.

`python -m tests.messages` writes what is new into echolab/locale/de/LC_MESSAGES/echolab.po, without
a translation, takes out what is gone, compiles the catalogue, and lists what the scenarios,
the exercises' cases and errors say (`echolab.sayings`).
"""

from __future__ import annotations

import ast
import datetime
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from echolab import cli, help_pages, language, resources, sayings
from echolab.runs import catalogue
from tests import checks, complaints
from tests.sayings import templates

ALWAYS = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

KEYWORDS = {"_", "later", "translate"}
"""The functions that a message is given to."""

PO = language.CATALOGUES / "de" / "LC_MESSAGES" / f"{language.DOMAIN}.po"


def messages() -> set[str]:
    """The messages of the sources, and what the scenarios say of themselves."""
    package = resources.ROOT / "echolab"
    of_modules = (one for path in package.rglob("*.py") for one in of_module(path))
    of_templates = extract_from_dir(
        str(package), [("**.j2", "jinja2")], keywords=dict.fromkeys(KEYWORDS)
    )
    said = {message for _, _, message, _, _ in of_templates if isinstance(message, str)}
    of_runs = (*_of_scenarios(), *templates(), *checks.templates())
    told = (*said, *of_modules, *help_pages.messages(cli.app), *of_runs, *complaints.templates())
    return {one for one in told if one}


def of_module(path: Path) -> Iterator[str]:
    """Those of a module, also within f-strings, which Babel passes over."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called, said = node.func, node.args[0]
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if name in KEYWORDS and isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield said.value


def _of_scenarios() -> Iterator[str]:
    for entry in catalogue.every():
        yield entry.scenario.summary
        yield entry.scenario.expect


def german(path: Path = PO) -> Catalog:
    """The German catalogue as it is written."""
    if not path.exists():
        return Catalog(locale="de", domain=language.DOMAIN)
    with path.open("rb") as file:
        return read_po(file, locale="de", domain=language.DOMAIN)


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as gettext reads it."""
    catalog.creation_date = catalog.revision_date = ALWAYS  # the same catalogue, the same bytes
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


HEADER = """\
# The German of echolab, in the lecture's tone: du to students, with the field's own terms.
msgid ""
msgstr ""
"Language: de\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def main() -> None:
    """Bring the catalogue and the list of templates up to date with the sources."""
    old, new = german(), Catalog(locale="de", domain=language.DOMAIN)
    for message in sorted(messages()):
        known = old.get(message)
        new.add(message, known.string if known else "")
    written = io.BytesIO()
    write_po(written, new, omit_header=True, width=98, sort_output=True)
    PO.write_bytes(HEADER.encode() + written.getvalue())
    PO.with_suffix(".mo").write_bytes(compiled(german()))
    sayings.TEMPLATES.write_text("\n".join((*templates(), "")), encoding="utf-8")
    sayings.CASES.write_text("\n".join((*checks.templates(), "")), encoding="utf-8")
    sayings.ERRORS.write_text("\n".join((*complaints.templates(), "")), encoding="utf-8")


if __name__ == "__main__":
    main()

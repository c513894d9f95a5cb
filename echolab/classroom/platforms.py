"""The names in the downloads that learning platforms offer to a lecturer.

Each platform's layout, from its own documentation and source:

- Moodle (mod/assign, "Download all submissions"): a folder `NAME_NUMBER_assignsubmission_file` for
  each student, before version 4.1 with `_` at its end; `…_onlinetext` for text typed into a form.
  Without "Download submissions in folders", files whose names begin like that. A group's name
  stands before the student's.
- ILIAS (exercise, "Download All Submissions"): a folder `Lastname_Firstname_login_NUMBER`, below
  a folder for each team where there are teams. Late files are called `Late Submission - FILE`,
  in the lecturer's language.
- Canvas ("Download Submissions"): files `lastnamefirstname_USER_ATTACHMENT_FILE`, late ones with
  `_LATE` after the name; typed text is in `lastnamefirstname_USER_text.html`. A file that was
  handed in again has `-1`, `-2`, … before its ending.
- Gradescope ("Export submissions"): a folder `submission_NUMBER`, and `submission_metadata.yml`
  with the names of those who submitted it.
"""

from __future__ import annotations

import dataclasses
import enum
import html.parser
import re

import yaml

from echolab.errors import BadInput


class Platform(enum.StrEnum):
    """Where a class was downloaded from; `FOLDER` is a folder that somebody made by hand."""

    FOLDER = "folder"
    MOODLE = "Moodle"
    ILIAS = "ILIAS"
    CANVAS = "Canvas"
    GRADESCOPE = "Gradescope"


@dataclasses.dataclass(frozen=True)
class Marked:
    """The meaning of a platform's name for a file or folder.

    `file` is the name that the student gave, empty if a folder holds the files; `typed` is whether
    it holds text typed into a form.
    """

    name: str
    number: str
    file: str = ""
    late: bool = False
    typed: bool = False


MOODLE = re.compile(
    r"(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_(?P<kind>[a-z]+)(_(?P<file>.*))?"
)

CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>late_)?(?P<number>\d+)_((?P<attachment>\d+)_(?P<file>.+)|text\.html)",
    re.IGNORECASE,
)

ILIAS = re.compile(r"(?P<last>[^_]+)_(?P<first>[^_]+)_(?P<login>.+)_(?P<number>\d+)")

ILIAS_LATE = re.compile(r"(late submission|versp(ae|ä)tete abgabe)\s*-\s*", re.IGNORECASE)
"""How ILIAS begins the name of a file that came late, in English and German."""

GRADESCOPE = re.compile(r"submission_(?P<number>\d+)")

METADATA = "submission_metadata.yml"
"""Where Gradescope names the submitters."""

LATE_FOLDERS = frozenset(
    {"late", "late submission", "late submissions", "verspätet", "verspätete abgaben"}
)
"""The names of a folder of late submissions, in lower case."""

AGAIN = re.compile(r"(?P<stem>.+)-\d+(?P<ending>\.[^.]+)?")
"""A name to which Canvas has added a number, as it does when a file is handed in again."""

USUAL = frozenset({"main", "run", "server", "client", "makefile", "predictions", "index"})
"""Names, in lower case and without ending, that tasks ask for: such a file never has a number."""


def moodle(name: str) -> Marked | None:
    """What the name says if Moodle gave it."""
    found = MOODLE.fullmatch(name)
    if found is None:
        return None
    typed = found["kind"] == "onlinetext"
    return Marked(found["name"].strip(), found["number"], found["file"] or "", typed=typed)


def canvas(name: str) -> Marked | None:
    """What the name says if Canvas gave it."""
    found = CANVAS.fullmatch(name)
    if found is None:
        return None
    file, late = found["file"] or "", found["late"] is not None
    return Marked(found["name"], found["number"], file, late=late, typed=not file)


def ilias(name: str) -> Marked | None:
    """What the name of a folder says if ILIAS gave it."""
    found = ILIAS.fullmatch(name)
    return found and Marked(f"{found['first']} {found['last']}", found["number"])


def gradescope(name: str) -> Marked | None:
    """What the name of a folder says if Gradescope gave it: the submission's number alone."""
    found = GRADESCOPE.fullmatch(name)
    return found and Marked("", found["number"])


def on_time(name: str) -> str:
    """The student's own name for a file that ILIAS calls late; the same name otherwise."""
    return ILIAS_LATE.sub("", name, count=1) if ILIAS_LATE.match(name) else name


def first_name(name: str) -> str:
    """The name that a file had before it was handed in again, if a task asks for that name."""
    found = AGAIN.fullmatch(name)
    if found is None or found["stem"].lower() not in USUAL:
        return name
    return found["stem"] + (found["ending"] or "")


class _Loader(yaml.SafeLoader):
    """Reads YAML and ignores unknown tags, which Ruby writes."""


def _without_meaning(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> None:
    return None


_Loader.add_multi_constructor("!", _without_meaning)


@dataclasses.dataclass(frozen=True)
class Submitters:
    """The submitters: their names and student numbers, each separated by commas."""

    names: str
    numbers: str


def submitters(metadata: str) -> dict[str, Submitters]:
    """The submitters, by the name of the folder. Raises BadInput if it cannot be read."""
    try:
        found = yaml.load(metadata, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise BadInput(
            f"{METADATA} cannot be read: {said}", "export the submissions again"
        ) from None
    if not isinstance(found, dict):
        return {}
    return {
        str(folder): _submitters(entry[":submitters"])
        for folder, entry in found.items()
        if isinstance(entry, dict) and isinstance(entry.get(":submitters"), list)
    }


def _submitters(listed: list[object]) -> Submitters:
    people = [one for one in listed if isinstance(one, dict)]
    columns = ([str(one.get(key) or "") for one in people] for key in (":name", ":sid"))
    names, numbers = (", ".join(filter(None, column)) for column in columns)
    return Submitters(names, numbers)


BLOCKS = frozenset({"p", "div", "li", "pre", "tr", "h1", "h2", "h3", "h4", "h5"})
"""Elements of HTML before and after which a line ends."""


class _Text(html.parser.HTMLParser):
    """The text of a page, with the lines that an editor in a browser made."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._end_line(tag)
        if tag == "br":
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        self._end_line(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() or not self.text.endswith("\n"):
            self.text += data

    def _end_line(self, tag: str) -> None:
        if tag in BLOCKS and self.text and not self.text.endswith("\n"):
            self.text += "\n"


def typed_text(page: str) -> str:
    """The text that was typed into a form, from the page that a platform made of it."""
    parser = _Text()
    parser.feed(page)
    parser.close()
    text = parser.text.replace("\N{NO-BREAK SPACE}", " ").strip("\n")
    return text + "\n" if text.strip() else ""


SIGNS = (
    ("main.c", re.compile(r"^\s*#\s*include\s*<\w+(/\w+)*\.h>", re.MULTILINE)),
    ("main.cpp", re.compile(r"^\s*#\s*include\s*<\w+>", re.MULTILINE)),
    ("Main.java", re.compile(r"\bpublic\s+class\s+Main\b")),
    ("main.js", re.compile(r"\brequire\s*\(\s*['\"](node:)?(net|dgram)['\"]")),
    ("main.py", re.compile(r"^\s*(import\s+\w|from\s+\w+\s+import\b|def\s+\w)", re.MULTILINE)),
)
"""What a program in each language contains, the first that fits, and its name in a task."""


def program_name(text: str) -> str:
    """The file name for typed text. Raises BadInput if it is not a program."""
    if "std::" in text and "#include" in text.replace(" ", ""):
        return "main.cpp"
    for name, sign in SIGNS:
        if sign.search(text):
            return name
    raise BadInput("what was typed into the form is not a program", "hand in the program as a file")

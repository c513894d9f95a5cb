"""English and German: no message without its translation, and figures with the language's comma."""

from __future__ import annotations

import ast
import dataclasses
import os
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from echolab import command_kinds, language, sayings
from echolab.classroom import exercise
from echolab.errors import BadInput
from echolab.record import Claim, Conclusion, format
from echolab.report import page, terminal
from echolab.resources import ROOT
from tests import checks, complaints, messages
from tests.report import made
from tests.sayings import templates


@pytest.fixture
def german() -> Iterator[None]:
    language.use("de")
    yield
    language.use("en")


def test_every_message_has_its_german() -> None:
    catalogue = messages.german()
    known = {message.id for message in catalogue if message.string and not message.fuzzy}
    assert messages.messages() - known == set(), "run: python -m tests.messages, and translate"


def test_no_translation_is_of_a_message_that_is_gone() -> None:
    assert {message.id for message in messages.german() if message.id} <= messages.messages()


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("message", [m for m in messages.german() if m.id], ids=lambda m: m.id[:40])
def test_a_translation_has_the_same_places_for_figures(message: object) -> None:
    given, german = getattr(message, "id", ""), getattr(message, "string", "")
    if "{" in given:
        assert names(given) == names(german)


def test_the_compiled_catalogue_is_that_of_the_written_one() -> None:
    written = messages.compiled(messages.german())
    assert messages.PO.with_suffix(".mo").read_bytes() == written, "run: python -m tests.messages"


def test_the_list_of_what_scenarios_say_is_up_to_date() -> None:
    listed = sayings.TEMPLATES.read_text(encoding="utf-8").splitlines()
    assert listed == templates(), "run: python -m tests.messages"


def test_the_list_of_what_cases_say_is_up_to_date() -> None:
    listed = sayings.CASES.read_text(encoding="utf-8").splitlines()
    assert listed == checks.templates(), "run: python -m tests.messages"


@pytest.mark.parametrize("name", exercise.names())
def test_every_case_has_its_title_and_its_question_in_german(name: str) -> None:
    """Asked of the cases themselves, whatever is found in the sources of their checks."""
    known = {message.id for message in messages.german() if message.string}
    for case in exercise.find(name).cases:
        assert {case.title, case.question} <= known


@pytest.mark.parametrize(
    ("english", "spoken"),
    [
        ("nobody listens at the port", "niemand lauscht am Port"),
        ("client sent b'Wir, 1.5' (8 bytes)", "client sendete b'Wir, 1.5' (8 Byte)"),
        (
            "the program on client ended with status 1",
            "das Programm auf client endete mit Status 1",
        ),
        (
            "what the program on client printed: b'x' (1 byte)",
            "was das Programm auf client ausgegeben hat: b'x' (1 Byte)",
        ),
        (
            "it serves 7, 4711; it ended with status 1, saying: nothing",
            "es bedient 7, 4711; es endete mit Status 1 und sagte: nichts",
        ),
        (
            "23 bytes, from byte 0: b'a' (not whole), then the end of the stream",
            "23 Byte, ab Byte 0: b'a' (not whole), dann das Ende des Streams",
        ),
        ("0.5 s", "0,5 s"),
        (
            "server sends over a link with delay 0.2 s",
            "server sendet über einen Link mit delay 0,2 s",
        ),
        ("one reads 40, two reads 70", "one liest 40, two liest 70"),
        ("one connects to 127.0.0.1, port 7", "one verbindet sich mit 127.0.0.1, Port 7"),
        ("two says 'none 4'; three says 'one 3'", "two sagt 'none 4'; three sagt 'one 3'"),
        ("nothing from one, elsewhere from two", "nichts von one, elsewhere von two"),
        ("none", "none"),
        ("a pigeon came by", "a pigeon came by"),
    ],
)
def test_what_a_case_saw_is_told_in_german(english: str, spoken: str, german: None) -> None:
    assert sayings.of_case(english) == spoken


def test_what_a_case_saw_stays_as_it_is_in_english() -> None:
    assert sayings.of_case("0.5 s") == "0.5 s"


def test_the_list_of_what_errors_say_is_up_to_date() -> None:
    listed = sayings.ERRORS.read_text(encoding="utf-8").splitlines()
    assert listed == complaints.templates(), "run: python -m tests.messages"


@pytest.mark.parametrize(
    ("english", "spoken"),
    [
        ("there is no run 'loss'", "es gibt keinen Lauf 'loss'"),
        ("there are file, backlog, loss", "es gibt file, backlog, loss"),
        (
            "scenario loss: loss=30 is outside its domain, 0 % to 60 %",
            "scenario loss: loss=30 liegt außerhalb des Bereichs 0 % to 60 %",
        ),
    ],
)
def test_an_error_is_told_in_german(english: str, spoken: str, german: None) -> None:
    assert sayings.error(english) == spoken


@pytest.mark.parametrize(
    ("english", "spoken"),
    [
        ("all 500 messages of the stream arrived", "alle 500 Nachrichten des Streams sind"),
        ("datagram: the answer is ECONNREFUSED", "Datagramm: die Antwort ist ECONNREFUSED"),
        ("more than 60.5 ms", "mehr als 60,5 ms"),
        ("9 bytes: 2 packets", "9 Byte: 2 Pakete"),
    ],
)
def test_what_a_scenario_said_is_told_in_german(english: str, spoken: str, german: None) -> None:
    assert sayings.said(english).startswith(spoken)


def test_what_a_script_of_ones_own_said_stays_as_it_is(german: None) -> None:
    assert sayings.said("the pigeon arrived after 3.5 days") == "the pigeon arrived after 3.5 days"


def test_a_message_within_an_f_string_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("x = f\"{_('inside')}\"\ny = later('outside')\nz = _(x)\n", encoding="utf-8")
    assert sorted(messages.of_module(module)) == ["inside", "outside"]
    assert isinstance(ast.parse(module.read_text(encoding="utf-8")), ast.Module)


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr:de:en"}, "de"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "pl_PL.UTF-8"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: Mapping[str, str], chosen: str) -> None:
    assert language.of_environment(environment) == chosen


def test_a_language_without_a_catalogue_is_refused() -> None:
    with pytest.raises(BadInput, match="no language 'fr'; choose en or de"):
        language.use("fr")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["run", "loss", "--lang", "de"], ["--lang", "de", "run", "loss"]),
        (["run", "--lang=de", "loss"], ["--lang", "de", "run", "loss"]),
        (["test", "--", "--lang", "de"], ["test", "--", "--lang", "de"]),
        (["run", "loss"], ["run", "loss"]),
    ],
)
def test_the_language_may_stand_anywhere(words: list[str], first: list[str]) -> None:
    assert command_kinds.language_first(words) == first


RECORD = dataclasses.replace(
    made.record(probes=(made.probe("udp", ["delivered"] * 9 + ["lost"]),)),
    sentence="UDP ist schneller",
    claims=(
        Claim("range", "a claim", seen=0.0815, low=0.07, theory=0.08, unit="s", verdict="pass"),
    ),
    conclusion=Conclusion(False, "so it was", "", "does not hold"),
    verdict="pass",
)


def test_a_run_speaks_german_with_its_comma(german: None) -> None:
    told = terminal.run(RECORD, 80, colour=False)
    assert "✔ bestätigt  a claim: 81,500 ms (Theorie 80,000 ms)" in told
    assert "gilt nicht: so it was" in told
    drawn = page.draw([(RECORD, Path("/nowhere"))])
    assert '<html lang="de">' in drawn
    for words in (
        "Was behauptet und was gesehen wurde",
        "81,500 ms",
        'mindestens <span class="together">70,000 ms</span>',
    ):
        assert words in drawn


def test_a_record_is_the_same_in_every_language(german: None) -> None:
    spoken = format.dump(RECORD)
    language.use("en")
    assert format.dump(RECORD) == spoken


def test_the_command_line_speaks_german() -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "echolab", "list", "loss", "--lang", "de"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Ein verlorenes Datagramm bleibt verloren" in done.stdout
    assert "Zu erwarten: " in done.stdout and done.returncode == 0


@pytest.mark.parametrize(
    ("english", "german_one"),
    [
        ("capture eth0: '7' is not known", "Mitschnitt eth0: '7' ist nicht bekannt"),
        (
            "compose.yaml:4: services.a.volumes: the engine exact does not honour it: hosts have "
            "no files of their own, and 2 more",
            "compose.yaml:4: services.a.volumes: die Engine exact beachtet es nicht: Hosts haben "
            "keine eigenen Dateien, und 2 weitere",
        ),
        (
            "main.py on client has computed for 20 s without a system call, and meanwhile no lab "
            "time passes; its last calls: a, b",
            "main.py auf client rechnet seit 20 s ohne Systemaufruf, und solange vergeht im Labor "
            "keine Zeit; seine letzten Aufrufe: a, b",
        ),
        (
            "the guest ended without an answer; still running: python a.py on b; its console "
            "said: c",
            "der Gast endete ohne Antwort; es laufen noch: python a.py on b; auf seiner Konsole "
            "stand: c",
        ),
        ("killed by the user of 10.0.0.1", "killed by the user of 10.0.0.1"),
    ],
)
def test_what_every_room_complains_of_is_told_in_german(
    english: str, german_one: str, german: None
) -> None:
    assert sayings.error(english) == german_one


def test_no_template_of_an_error_fits_whatever_somebody_else_says() -> None:
    for template in complaints.templates():
        own = "".join(literal for literal, *_ in string.Formatter().parse(template))
        assert len(own) > 4


def test_what_a_judge_says_has_the_comma(german: None) -> None:
    assert sayings.said("client takes 3.5 ms unshaped") == "client braucht ungeformt 3,5 ms"


@pytest.mark.parametrize(
    ("english", "spoken"),
    [
        ("1 is not true or false or text", "1 muss true oder false oder Text sein"),
        ("1000 is not text", "1000 muss Text sein"),
        ("3 is not a mapping", "3 muss eine Abbildung sein"),
        ("3 is not a list or text", "3 muss eine Liste oder Text sein"),
        ("loss: count=x is not a number", "loss: count=x muss eine Zahl sein"),
    ],
)
def test_kinds_that_a_value_must_have_are_told_in_german(
    english: str, spoken: str, german: None
) -> None:
    place = "lab.yaml:1: services.a.privileged"
    assert sayings.error(f"{place}: {english}") == f"{place}: {spoken}"

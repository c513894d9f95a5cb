"""The form of a Compose file, by the specification's own schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.compose import schema
from echolab.compose.document import parse
from echolab.compose.tree import At
from echolab.errors import BadInput

KNOWN = {
    "type",
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "items",
    "uniqueItems",
    "required",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "allOf",
    "anyOf",
    "oneOf",
    "$ref",
    "$defs",
}
SAY_NOTHING = {"$schema", "$id", "title", "description", "deprecated", "default"}


def keywords(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from keywords(one)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            if key in ("properties", "patternProperties", "$defs"):
                for one in value.values():
                    yield from keywords(one)
            elif key not in ("enum", "required", "default"):
                yield from keywords(value)


def test_every_keyword_of_the_schema_is_checked() -> None:
    assert set(keywords(schema.load())) <= KNOWN | SAY_NOTHING


def check(text: str) -> None:
    (document,) = parse(text.encode(), "lab.yaml")
    schema.check(document, At(document.place))


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {image: x}}",
        "services: {a: {image: x, x-mine: [1], ports: [80, '81:81', {target: 82, x-y: 1}]}}",
        "services: {a: {command: ~, entrypoint: [], networks: {n: ~}}}\nx-top: 1",
        "services: {a: {deploy: {replicas: '3'}, environment: {A: 1, B: true, C: ~, D: 1.5}}}",
        "services: {a: {ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}}}",
        "services: {a: {depends_on: {b: {condition: service_healthy}}}, b: {}}",
        "networks: {n: ~, m: {external: true}}",
    ],
)
def test_a_right_file_passes(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "services:\n  a:\n    imagee: x",
            "lab.yaml:3: services.a.imagee: Compose has no such key; did you mean 'image'?",
        ),
        (
            "service: {}",
            "lab.yaml:1: service: Compose has no such key; did you mean 'services'?",
        ),
        (
            "services: {a: {zzzz: x}}",
            "lab.yaml:1: services.a.zzzz: Compose has no such key; leave it out, or name it 'x-…'",
        ),
        ("services: 3", "lab.yaml:1: services: 3 is not a mapping; write 'NAME: VALUE' below it"),
        ("services: {a b: {}}", "lab.yaml:1: services.a b: Compose has no such key"),
        ("services: {a: [1]}", "services.a: a list is not a mapping"),
        (
            "services: {a: {user: 1000}}",
            "services.a.user: 1000 is not text; put it in quotation marks",
        ),
        (
            "services: {a: {command: [sleep, 9]}}",
            "services.a.command.1: 9 is not text; put it in quotation marks",
        ),
        (
            "services: {a: {environment: 3}}",
            "services.a.environment: 3 is not a mapping or a list; write '- VALUE' lines below it",
        ),
        (
            "services: {a: {entrypoint: 3}}",
            "services.a.entrypoint: 3 is not a list or text; put it in quotation marks",
        ),
        ("services: {a: {ports: [{target: [1]}]}}", "services.a.ports.0.target: a list is not"),
        ("services: {a: {ports: [80, 80]}}", "services.a.ports.1: 80 is there twice"),
        (
            "services: {a: {depends_on: {b: {condition: well}}}}",
            "'well' is not allowed; write one of service_started, service_healthy",
        ),
        ("services: {a: {depends_on: {b: {}}}}", "services.a.depends_on.b: it has no 'condition'"),
        ("services: {a: {oom_score_adj: 2000}}", "2000 is more than 1000"),
        ("services: {a: {volumes: [{target: /x}]}}", "services.a.volumes.0: it has no 'type'"),
        ("services: {a: {container_name: '-'}}", "'-' has characters that are not allowed here"),
        ("services: {a: {privileged: 1}}", "1 is not true or false or text"),
    ],
)
def test_a_wrong_file_is_one_line_with_the_place_the_key_and_what_to_do(
    text: str, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        check(text)
    assert said in str(caught.value) and "\n" not in str(caught.value)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["services", "a", "image", "ports", "build", "x-a", "target", "test"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*schema.load()["properties"]]), values))
def test_no_document_makes_it_fail_otherwise_than_by_bad_input(document: dict[str, Any]) -> None:
    try:
        check(json.dumps(document))
    except BadInput as error:
        assert "\n" not in str(error)

"""Bodies that are no JSON object."""

from __future__ import annotations

import pytest

from inference.protocol.body import parse_body
from inference.protocol.errors import BadRequest

NOT_JSON = [b"", b"{", b'{"a": NaN}', b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a": 1} x', b"{'a': 1}"]


@pytest.mark.parametrize("raw", NOT_JSON)
def test_what_is_not_json_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="not valid JSON") as caught:
        parse_body(raw)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"5", b"null"])
def test_json_that_is_no_object_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="must be a JSON object"):
        parse_body(raw)


def test_an_object_comes_out_as_it_is() -> None:
    assert parse_body('{"a": "é", "b": [1, null]}'.encode()) == {"a": "é", "b": [1, None]}


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b'{"model": "a", "model": "b"}', "model"),
        (b'{"a": {"b": [1, {"c": 1, "d": 2, "c": 3}]}}', "c"),
        (b'{"model": "a", "mod\\u0065l": "b"}', "model"),
        (b'{"a": {"x": 1}, "b": {"x": 2}, "": 1, "": 2}', ""),
    ],
)
def test_a_key_that_is_there_twice_is_a_bad_request_that_names_it(raw: bytes, key: str) -> None:
    with pytest.raises(BadRequest, match=f"The key '{key}' is there twice") as caught:
        parse_body(raw)
    assert (caught.value.param, caught.value.code) == (key, "invalid_json")


def test_the_same_key_in_several_objects_is_fine() -> None:
    assert parse_body(b'{"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}]}')


@pytest.mark.parametrize("raw", [b'{"a": ' + b"9" * 5000 + b"}", b'{"a": ' + b"[" * 1010 + b"]" * 1010 + b"}"])
def test_what_only_one_parser_can_read_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_body(raw)
    assert caught.value.code == "invalid_json"

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

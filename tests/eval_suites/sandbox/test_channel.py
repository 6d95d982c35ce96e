"""Values that cross between processes: what goes in comes out, and nothing else gets through."""

import collections
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.sandbox.inside.channel import NotPlainError, decode, encode

HASHABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner),
    max_leaves=5,
)
PLAIN = st.recursive(
    HASHABLE | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.dictionaries(HASHABLE, inner) | st.sets(HASHABLE)
    ),
    max_leaves=15,
)


@given(PLAIN)
def test_a_plain_value_comes_back_as_it_was(value: object) -> None:
    decoded = decode(encode(value))
    assert decoded == value
    assert type(decoded) is type(value)


def test_infinities_surrogates_and_signs_survive() -> None:
    for value in (float("inf"), float("-inf"), "\ud800", -0.0, 10**400):
        assert repr(decode(encode(value))) == repr(value)
    assert decode(encode(float("nan"))) != decode(encode(float("nan")))


class Same:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("value", [Same(), [1, {"a": Same()}], lambda: 1, object, iter([])])
def test_what_is_not_plain_is_refused(value: object) -> None:
    with pytest.raises(NotPlainError, match="a value of type"):
        encode(value)


def test_what_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(NotPlainError, match="holds itself"):
        encode(loop)


def test_what_derives_from_a_plain_kind_becomes_it() -> None:
    counted = decode(encode(collections.Counter("aab")))
    assert (type(counted), counted) == (dict, {"a": 2, "b": 1})
    ordered = collections.OrderedDict(b=(True, collections.deque([1])))
    with pytest.raises(NotPlainError, match="deque"):
        encode(ordered)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1",
        '{"what": 1}',
        '{"set": [[]]}',
        '{"bytes": 3}',
        '{"a": 1, "b": 2}',
        "{}",
        "[" * 9999,
    ],
)
def test_text_that_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own is one
        decode(text)


def test_json_objects_never_arrive_as_dicts() -> None:
    assert json.loads(encode({"set": [1]})) == {"dict": [["set", [1]]]}


@pytest.mark.parametrize("bits", [8191, 8192, 8193, 14_300, 100_000])
def test_numbers_that_python_does_not_write_out_arrive_whole(bits: int) -> None:
    for value in (2**bits, 2**bits - 1, -(3**bits)):
        assert decode(encode([value])) == [value]


@pytest.mark.parametrize("text", ['{"int": "zz"}', '{"int": 5}', '{"int": null}', "1" * 5000])
def test_a_forged_number_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"no plain value|invalid literal|Exceeds the limit"):
        decode(text)

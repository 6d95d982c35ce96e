import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.requests import Answer
from harness.evaluate.client.answers import answer_of, plain

PLACES = st.lists(st.tuples(st.text(), st.floats(max_value=0, allow_infinity=False)).map(tuple))


@given(st.text(), st.lists(PLACES.map(tuple)).map(tuple))
def test_an_answer_comes_back_from_json_as_it_was(
    text: str, logprobs: tuple[tuple[tuple[str, float], ...], ...]
) -> None:
    answer = Answer(text, "length", 7, logprobs)
    assert answer_of(json.loads(json.dumps(plain(answer)))) == answer


def test_log_probs_that_nobody_asked_for_take_no_room_in_a_log() -> None:
    assert plain(Answer("4", tokens=1)) == {"text": "4", "finish_reason": "stop", "tokens": 1}


@pytest.mark.parametrize("wrong", [{}, {"text": "4", "colour": 1}, {"text": "", "logprobs": [1]}])
def test_what_tells_of_no_answer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        answer_of(wrong)

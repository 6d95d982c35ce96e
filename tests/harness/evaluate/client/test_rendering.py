from collections import Counter
from dataclasses import replace
from pathlib import Path

from eval_suites.requests import Message, Request
from harness.engines.options import EngineChoice
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.rendering import Remembered, loader, rendered


def words(count: int, first: str = "a") -> Request:
    return Request(text=" ".join([first] * count))


class Counting:
    """Renders a word to a token, and counts how often it is asked what."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, request: Request) -> Request:
        self.asked[request.text or ""] += 1
        return replace(request, token_ids=tuple(range(len((request.text or "").split()))))


def test_a_prompt_is_rendered_once_for_all_that_read_alike_and_then_forgotten() -> None:
    render = Counting()
    remembered = Remembered(render, readers=3)
    for _ in range(3):
        assert remembered(words(4)).token_ids == (0, 1, 2, 3)
    assert render.asked == {"a a a a": 1}
    remembered(words(4))
    assert render.asked == {"a a a a": 2}  # three had it: it was not kept for a fourth


def test_the_oldest_prompts_make_room() -> None:
    render = Counting()
    remembered = Remembered(render, readers=2, most=10)
    for first in "abc":
        remembered(words(4, first))
    for first in "cba":
        remembered(words(4, first))
    assert render.asked == {"a a a a": 2, "b b b b": 1, "c c c c": 1}


def test_messages_prefix_and_text_are_told_apart() -> None:
    render = Counting()
    remembered = Remembered(render, readers=2)
    asked = [
        Request(messages=(Message("user", "hi"),)),
        Request(messages=(Message("system", "hi"),)),
        Request(messages=(Message("user", "hi"),), prefix="x"),
        Request(text="hi"),
    ]
    for request in asked:
        remembered(request)
    assert sum(render.asked.values()) == 4


def test_a_scored_continuation_is_rendered_each_time(tiny_model: Path) -> None:
    tokenizer = loader()(tiny_model).itself
    remembered = Remembered(lambda request: rendered(tokenizer, request), readers=2)
    remembered(Request(text="2 + 2 ="))
    scored = Request(text="2 + 2 =", continuation=" 4")
    for _ in range(2):
        assert remembered(scored) == rendered(tokenizer, scored)
        assert remembered(scored).continuation_ids


def test_all_else_of_a_request_stays_its_own(tiny_model: Path) -> None:
    load = loader()
    one, other = load(tiny_model), load(tiny_model)
    assert one is other
    remembered = Remembered(lambda request: rendered(one.itself, request), readers=2)
    first = Request(messages=(Message("user", "What is 2 + 2?"),))
    remembered(first)
    second = replace(first, n=3, seed=7)
    assert remembered(second) == replace(rendered(one.itself, first), n=3, seed=7)


def test_checkpoints_of_one_tokenizer_share_their_renders(tiny_model: Path) -> None:
    names = {"a": str(tiny_model), "b": str(tiny_model)}
    (group,) = group_by_engine(names, {"a": "1", "b": "2"}, EngineChoice(name="fake"))
    one, other = group.models
    assert one.render is other.render
    assert isinstance(one.render, Remembered)

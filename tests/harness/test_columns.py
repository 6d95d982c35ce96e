"""Columns: what a model is shown is rendered once for all repeats, and never mixed up."""

from dataclasses import replace
from pathlib import Path

from eval_suites.suite import Decoding, Message, Request
from harness.columns import groups
from harness.recipe import EngineChoice


def test_equal_requests_are_rendered_once_and_others_apart(tiny_model: Path) -> None:
    models = {"one": str(tiny_model)}
    (group,) = groups(models, {"one": "x"}, EngineChoice(name="fake"))
    render = group.models[0].render

    def asked() -> Request:
        return Request(messages=(Message("user", "hello"),), decoding=Decoding(temperature=0.5))

    changed = [
        replace(asked(), prefix="So"),
        replace(asked(), messages=(Message("user", "hullo"),)),
        replace(asked(), messages=(Message("user", "hello"), Message("assistant", "a"))),
        replace(asked(), messages=(), text="hello"),
    ]

    assert render(asked()) is render(asked())
    assert len({render(request).token_ids for request in (asked(), *changed)}) == 5
    hotter = render(replace(asked(), decoding=Decoding(temperature=0.7)))
    assert hotter.decoding.temperature == 0.7

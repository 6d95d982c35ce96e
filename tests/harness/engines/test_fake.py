"""The fake engine: what tests of everything else stand on."""

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest

from eval_suites.requests import Decoding, Message, Request
from harness.engines.base import CAPABILITIES, Completion, EngineGone
from harness.engines.fake import FakeEngine, scripted
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.errors import RecipeError

SPEC = EngineSpec(EngineChoice(name="fake"), adapters=(("nca", None),))  # type: ignore[arg-type]  # never read
ASK = Request(messages=(Message("user", "Tom has 12 apples and eats 5. How many are left?"),))


def spec(**settings: object) -> EngineSpec:
    return EngineSpec(EngineChoice(name="fake", **settings))


def ask(request: Request, engine: FakeEngine | None = None) -> Completion:
    return asyncio.run((engine or FakeEngine(SPEC)).complete(request))


def test_two_engines_in_two_processes_give_the_same_answer() -> None:
    code = (
        "import asyncio; from eval_suites.requests import *;"
        "from harness.engines.registry import *;from harness.engines.options import *;"
        f"print(asyncio.run(make(EngineSpec(EngineChoice(name='fake'))).complete({ASK!r})))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert other.stdout.strip() == repr(
        asyncio.run(make(EngineSpec(EngineChoice(name="fake"))).complete(ASK))
    )


def test_greedy_ignores_the_seed_and_sampling_does_not() -> None:
    warm = replace(ASK, decoding=Decoding(temperature=1.0), n=4)

    assert ask(ASK) == ask(replace(ASK, seed=1))
    assert ask(warm) != ask(replace(warm, seed=1))
    assert len(set(ask(warm).texts)) == 4


def test_adapters_differ_from_the_base_and_unknown_ones_are_refused() -> None:
    assert ask(replace(ASK, model="nca")) != ask(ASK)
    assert ask(replace(ASK, model="base")).finish_reasons == ("stop",)
    with pytest.raises(ValueError, match="serves no model 'dpo': it serves base, nca"):
        ask(replace(ASK, model="dpo"))


def test_invented_answers_to_arithmetic_are_sometimes_right() -> None:
    asks = [
        Request(messages=(Message("user", f"What is {a} plus {b}?"),))
        for a in range(10)
        for b in range(20, 30)
    ]
    right = [
        f"answer is {sum(int(w) for w in r.messages[0].content[:-1].split() if w.isdigit())}."
        in ask(r).texts[0]
        for r in asks
    ]

    assert 10 < sum(right) < 60


def test_script_stop_strings_length_and_usage() -> None:
    engine = scripted(lambda request: "one two three\nQ: four")(SPEC)

    whole = ask(ASK, engine)
    stopped = ask(replace(ASK, decoding=Decoding(stop=("zzz", "\nQ:"))), engine)
    short = ask(replace(ASK, decoding=Decoding(max_tokens=2)), engine)

    assert (whole.texts, whole.finish_reasons) == (("one two three\nQ: four",), ("stop",))
    assert (stopped.texts, stopped.finish_reasons) == (("one two three",), ("stop",))
    assert (short.texts, short.finish_reasons) == (("one two",), ("length",))
    assert short.usage.completion_tokens == 2 == len(short.token_ids[0])


def test_logprobs_loglikelihood_and_overflow() -> None:
    scored = ask(replace(ASK, top_logprobs=3))
    tokens = [len(top) for top in scored.logprobs[0]]
    short = SPEC.settings.model_copy(update={"max_model_len": 5})
    engine = FakeEngine(replace(SPEC, settings=short))

    assert tokens == [3] * scored.usage.completion_tokens
    assert asyncio.run(engine.loglikelihood((1, 2), (3, 4))).logprob < -2
    assert ask(replace(ASK, n=2), engine).finish_reasons == ("overflow", "overflow")
    assert CAPABILITIES - FakeEngine.capabilities == {"sampling", "remote"}


def test_it_dies_when_told_to_and_refuses_options_that_it_lacks() -> None:
    engine = make(spec(options={"dies_after": "1", "delay_s": "0.001"}))
    asyncio.run(engine.complete(ASK))

    with pytest.raises(EngineGone):
        asyncio.run(engine.complete(ASK))
    with pytest.raises(RecipeError, match="takes no option 'dealy_s': it takes delay_s"):
        make(spec(options={"dealy_s": "1"}))
    with pytest.raises(RecipeError, match="give a number"):
        make(spec(options={"delay_s": "soon"}))

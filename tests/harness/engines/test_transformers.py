"""The transformers engine on a tiny random model."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eval_suites.requests import Decoding, Likelihood, Request
from harness.engines.base import Completion, EngineGone
from harness.engines.local_model import sample, shared_prefix
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.errors import ModelError

Ask = Callable[..., Request]
Adapters = tuple[tuple[str, Path], ...]
TEXTS = [f"{'a shared and long beginning ' * (k % 3)}question {k}: {'x' * k}?" for k in range(12)]


@pytest.fixture
def spec(lively_model: Path, adapters: Adapters) -> EngineSpec:
    return EngineSpec(EngineChoice(name="transformers"), lively_model, adapters)


def ask(spec: EngineSpec, *requests: Request, together: bool = True) -> list[Completion]:
    async def main() -> list[Completion]:
        async with make(spec) as engine:
            if together:
                return list(await asyncio.gather(*map(engine.complete, requests)))
            return [await engine.complete(request) for request in requests]

    return asyncio.run(main())


def test_batched_answers_equal_single_ones_greedy_and_sampled(
    spec: EngineSpec, prompt: Ask
) -> None:
    names = ["", "nca", "dpo-b0.1", "base"]
    asks = [
        prompt(text, names[k % 4], temperature=(k % 2) * 1.0, top_p=0.9, max_tokens=5 + k)
        for k, text in enumerate(TEXTS)
    ]

    assert ask(spec, *asks) == ask(spec, *asks, together=False)


def test_greedy_equals_generate_and_adapters_change_it(
    spec: EngineSpec, prompt: Ask, lively_model: Path, adapters: Adapters
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    plain, tuned = prompt(TEXTS[3]), prompt(TEXTS[3], "dpo-b0.1")
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(lively_model), adapters[1][1]
    )
    ids = torch.tensor([plain.token_ids])

    def reference() -> tuple[int, ...]:
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False
        )
        return tuple(out[0, ids.shape[1] :].tolist())

    with model.disable_adapter():
        base = reference()
    base_answer, tuned_answer = ask(spec, plain, tuned)

    assert base_answer.token_ids == (base,)
    assert tuned_answer.token_ids == (reference(),)
    assert base_answer != tuned_answer


def test_stop_strings_end_the_text_before_them_and_the_tokens_with_them(
    spec: EngineSpec, prompt: Ask
) -> None:
    whole = ask(spec, prompt("hello", max_tokens=30))[0]
    word = whole.texts[0][7:10]
    first = whole.texts[0].index(word)
    stopped = ask(spec, prompt("hello", max_tokens=30, stop=("never seen", word)))[0]

    assert whole.finish_reasons == ("length",)
    assert whole.usage.completion_tokens == 30 == len(whole.token_ids[0])
    assert (stopped.texts[0], stopped.finish_reasons) == (whole.texts[0][:first], ("stop",))
    assert len(stopped.token_ids[0]) < 30


def test_end_of_text_stops_and_is_no_part_of_the_text(spec: EngineSpec, prompt: Ask) -> None:
    hot = prompt("hello", temperature=3.0, max_tokens=400, n=8)
    answer = ask(spec, hot)[0]
    ended = [k for k, reason in enumerate(answer.finish_reasons) if reason == "stop"]

    assert ended
    for k in ended:
        assert answer.token_ids[k][-1] == 1
        assert "<|im_end|>" not in answer.texts[k]


def test_samples_have_seeds_of_their_own_and_repeat(spec: EngineSpec, prompt: Ask) -> None:
    many = prompt("hello", temperature=1.0, n=3)
    answer, again, other = ask(spec, many, many, replace(many, seed=100))
    one = ask(spec, replace(many, n=1, seed=many.seed + 2))[0]

    assert answer == again != other
    assert len(set(answer.texts)) == 3
    assert one.texts[0] == answer.texts[2]
    assert len(set(ask(spec, prompt("hello", n=3))[0].texts)) == 1


def test_a_prompt_without_room_overflows_and_a_long_one_is_cut_short(
    spec: EngineSpec, prompt: Ask
) -> None:
    small = replace(spec, settings=spec.settings.model_copy(update={"max_model_len": 10}))
    none, little = ask(small, prompt("0123456789", n=2), prompt("01234567"))

    assert (none.finish_reasons, none.texts) == (("overflow", "overflow"), ("", ""))
    assert (little.finish_reasons, little.usage.completion_tokens) == (("length",), 2)


def test_loglikelihood_and_top_logprobs_equal_a_plain_forward_pass(
    spec: EngineSpec, prompt: Ask, lively_model: Path
) -> None:
    from transformers import AutoModelForCausalLM

    asked = prompt("what is next", top=3, max_tokens=4)
    pairs = [((5, 6, 7), (8, 9)), ((5,), (20, 21, 22, 23)), ((4, 3), ())]

    async def main() -> tuple[Completion, list[Likelihood]]:
        async with make(spec) as engine:
            answer = await engine.complete(asked)
            pairs.append((asked.token_ids, answer.token_ids[0]))
            scores = await asyncio.gather(*(engine.loglikelihood(*pair) for pair in pairs))
            return answer, scores

    answer, scores = asyncio.run(main())
    model = AutoModelForCausalLM.from_pretrained(lively_model)

    def logps(ids: tuple[int, ...]) -> torch.Tensor:
        with torch.no_grad():
            return model(torch.tensor([ids])).logits[0].log_softmax(-1)

    for (prefix, rest), score in zip(pairs, scores, strict=True):
        rows = logps(prefix + rest)[len(prefix) - 1 : -1]
        by_hand = sum(float(row[token]) for row, token in zip(rows, rest, strict=True))
        assert score.logprob == pytest.approx(by_hand, abs=1e-4)
    assert [score.greedy for score in scores] == [False, False, True, True]
    rows = logps(asked.token_ids + answer.token_ids[0])[len(asked.token_ids) - 1 : -1]
    for row, top in zip(rows, answer.logprobs[0], strict=True):
        assert [value for _, value in top] == pytest.approx(row.topk(3).values.tolist(), abs=1e-4)


def test_wrong_models_and_folders_are_named(spec: EngineSpec, prompt: Ask, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="serves no model 'kto'"):
        ask(spec, prompt("hello", "kto"))
    with pytest.raises(ModelError, match=r"config.json is missing"):
        ask(replace(spec, base=tmp_path), prompt("hello"))
    with pytest.raises(ModelError, match=r"adapter_config.json is missing"):
        ask(replace(spec, adapters=(("x", tmp_path),)), prompt("hello"))


def test_stopping_the_engine_answers_who_still_waits(spec: EngineSpec, prompt: Ask) -> None:
    async def main() -> list[object]:
        async with make(spec) as engine:
            asks = [prompt(text, max_tokens=900, temperature=1.0) for text in TEXTS]
            tasks = [asyncio.create_task(engine.complete(one)) for one in asks]
            await asyncio.sleep(0.05)
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    assert all(isinstance(error, EngineGone) for error in asyncio.run(main()))


def test_sampling_follows_the_distribution_and_top_p() -> None:
    logits = torch.tensor([1.0, 3.0, 2.0]).log()
    warm, cut = Decoding(temperature=1.0), Decoding(temperature=1.0, top_p=0.6)
    grid = (torch.arange(600, dtype=torch.float64) + 0.5) / 600

    def counts(decoding: Decoding) -> list[int]:
        drawn = torch.tensor([sample(logits, decoding, u) for u in grid])
        return torch.bincount(drawn, minlength=3).tolist()

    assert counts(warm) == [100, 300, 200]
    assert counts(cut) == [0, 360, 240]
    assert shared_prefix([(1, 2, 3), (1, 2), (1, 2, 4)]) == 2

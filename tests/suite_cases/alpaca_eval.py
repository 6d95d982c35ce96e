"""The cases of AlpacaEval, which is judged: it has no gold (tests/fidelity/test_judged.py)."""

import json
import math

from eval_suites.judging.prompts import template
from eval_suites.requests import Answer, Decoding, FinishReason, Message, Request
from eval_suites.suites.alpaca_eval import BASELINE_1, BASELINE_2, PROMPT_1, PROMPT_2, Sample

from .cases import Aggregation, Scored, SuiteCases

FIELDS = frozenset({"instruction", "output_1", "output_2"})
PROMPT = template(
    (Message("system", "Judge."), Message("user", "I {instruction} 1 {output_1} 2 {output_2} {x}")),
    FIELDS,
)
#: The judge sees the baseline's output first.
STRAIGHT = Sample("0", "Name a fruit.", "Red.", "the baseline", PROMPT)
#: And here the model's.
SWITCHED = Sample("1", "Name a colour.", "Red.", "the baseline", PROMPT)
CHATML = "<|im_start|>system\nJ.\n<|im_end|>\n<|im_start|>user\n{}\n<|im_end|>"
CHAT_FILE = CHATML.format("{instruction} {output_1} {output_2}")
LOADED = template(
    (Message("system", "J."), Message("user", "{instruction} {output_1} {output_2}")), FIELDS
)
ROW = {"instruction": "Name a colour.", "output": "Red.", "generator": "base"}


def weighed(*tops: tuple[str, float], finish: FinishReason = "length") -> Answer:
    """Return a reply of one token with the probabilities of some."""
    logs = tuple((token, math.log(p)) for token, p in tops)
    return Answer(tops[0][0] if tops else "", finish, 1, (logs,) if logs else ())


def _preferred(name: str, preference: float | None, text: str = "Blue.") -> Scored:
    tops = (("M", preference - 1), ("m", 2 - preference)) if preference else (("x", 1.0),)
    return Scored(name, STRAIGHT, (Answer(text),), (), (weighed(*tops),))


def _ranked(name: str, ranks: tuple[int, int], text: str = "Blue.") -> Scored:
    reply = [{"model": f"model_{n}", "rank": rank} for n, rank in enumerate(ranks, 1)]
    return Scored(name, STRAIGHT, (Answer(text),), (), (Answer(str(reply)),))


def _cases(name: str, baseline: str, prompt: str, aggregation: Aggregation) -> SuiteCases:
    return SuiteCases(
        suites=(name,),
        sample=STRAIGHT,
        prompt=Request(
            messages=(Message("user", "Name a fruit."),),
            decoding=Decoding(temperature=0.0, max_tokens=2048),
        ),
        files={baseline: json.dumps([ROW]), prompt: CHAT_FILE},
        samples=(Sample("0", "Name a colour.", "Red.", "base", LOADED),),
        malformed=[
            (
                baseline,
                json.dumps([{"instruction": "x", "generator": "y"}]),
                "row 0: 'output' is missing",
            ),
            (prompt, "no markup", r"no chat messages with .*output_2 in braces"),
            (
                prompt,
                CHATML.format("{instruction} {output_1}"),
                "no chat messages with output_2 in braces",
            ),
        ],
        aggregations=(aggregation,),
    )


CASES = (
    _cases(
        "alpaca_eval",
        BASELINE_2,
        PROMPT_2,
        Aggregation(
            [
                _preferred("0", 1.9),
                _preferred("1", 1.2, "Blue"),
                _preferred("2", 1.5),
                _preferred("3", None, "B"),
            ],
            {
                "win_rate": (0.9 + 0.2 + 0.5) / 3,
                # Squares of 0.3667, 0.3333 and 0.0333 come to 0.2467: over 2, over 3, its root.
                "win_rate_se": (0.246666667 / 2 / 3) ** 0.5,
                "discrete_win_rate": (1 + 0 + 0.5) / 3,
                "official": (0.9 + 0.2 + 0.5) / 3,
                "length": (5 + 4 + 5 + 1) / 4,
                "suspicious": 0,
            },
        ),
    ),
    _cases(
        "alpaca_eval_1",
        BASELINE_1,
        PROMPT_1,
        # The ranks 1 and 1 have a preference for upstream, and none for us.
        Aggregation(
            [_ranked("0", (2, 1)), _ranked("1", (1, 2)), _ranked("2", (1, 1), "Blu")],
            {
                "win_rate": (1 + 0) / 2,
                "win_rate_se": 0.5,
                "discrete_win_rate": (1 + 0) / 2,
                "official": (1 + 0 + 0) / 3,
                "length": (5 + 5 + 3) / 3,
                "suspicious": 0,
            },
        ),
    ),
)

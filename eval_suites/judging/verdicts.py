"""A judge's verdicts: ratings, winners of pairs, label probabilities, rankings.

Two readings stand side by side. `official_*` is upstream's rule, which takes the first token of
the right form, also one that the judge quotes from the judged answer. Ours takes the last one and
checks its range. A verdict that cannot be read is None, never a number.
"""

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

Winner = Literal["A", "B", "tie"]

#: FastChat: the first number in double brackets, else the first in single ones.
_OFFICIAL_RATINGS = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
_RATING = re.compile(r"\[\[\s*(-?\d+(?:\.\d*)?)\s*\]\]")
#: The same in single brackets, where the reply says that it is the rating.
_SINGLE_RATING = re.compile(r"\brating:?[\s*]*\[\s*(-?\d+(?:\.\d*)?)\s*\]", re.IGNORECASE)
_WINNER = re.compile(r"\[\[\s*([ABC])\s*\]\]")
_WINNERS: Mapping[str, Winner] = {"A": "A", "B": "B", "C": "tie"}
_FENCE = re.compile(r"```[a-zA-Z]*\n(.*?)```", re.DOTALL)


def official_rating(text: str) -> float | None:
    """Return FastChat's rating: the first `[[n]]`, else the first `[n]`, of whatever size."""
    for pattern in _OFFICIAL_RATINGS:
        if match := pattern.search(text):
            return float(match[1])
    return None


def rating(text: str) -> float | None:
    """Return the last `[[n]]` of a reply, else the last `Rating: [n]`.

    None where there is none, or it is not from 1 to 10.
    """
    ratings = [float(number) for number in _RATING.findall(text) or _SINGLE_RATING.findall(text)]
    return ratings[-1] if ratings and 1 <= ratings[-1] <= 10 else None


def official_winner(text: str) -> Winner | None:
    """Return FastChat's winner: `[[A]]` anywhere, else `[[B]]` anywhere, else `[[C]]`, a tie."""
    return next((name for letter, name in _WINNERS.items() if f"[[{letter}]]" in text), None)


def winner(text: str) -> Winner | None:
    """Return the winner by the last `[[A]]`, `[[B]]` or `[[C]]` (a tie) of a reply."""
    letters = _WINNER.findall(text)
    return _WINNERS[letters[-1]] if letters else None


def label_preference(top: Sequence[tuple[str, float]]) -> float | None:
    """Return the preference from the log-probabilities of two labels, as AlpacaEval 2.0 does.

    The output shown first is labelled `m`, the other `M`. A label that is not among the most likely
    tokens counts as impossible, which is upstream's rule; so the other label must be among them.

    Args:
        top: most likely tokens at one place, with their natural-log probabilities.

    Returns:
        2 - p, where p is the first label's share of both: 1 prefers the first output, 2 the
        second. None without either label.
    """
    labels = {token: logprob for token, logprob in top if token in ("m", "M")}
    highest = max(labels.values(), default=-math.inf)
    if highest == -math.inf or any(math.isnan(logprob) for logprob in labels.values()):
        return None
    weights = {token: math.exp(logprob - highest) for token, logprob in labels.items()}
    return 2.0 - weights.get("m", 0.0) / sum(weights.values())


def official_ranking(text: str) -> float | None:
    """Return AlpacaEval 1.0's preference: the rank, 1 or 2, that the reply's list gives `model_1`.

    The whole reply must be a Python literal, as upstream wants it.
    """
    ranks = _ranks(text)
    return float(ranks[0]) if ranks and ranks[0] in (1, 2) else None


def ranking(text: str) -> float | None:
    """Return the same preference, also from a code block or behind prose, if both ranks are there.

    The last list of the reply counts. Ranks must be 1 and 2, one each.
    """
    fenced = _FENCE.findall(text)
    inner = fenced[-1] if fenced else text
    start, end = inner.rfind("["), inner.rfind("]")
    ranks = _ranks(inner[start : end + 1]) if 0 <= start < end else None
    return float(ranks[0]) if ranks in ((1, 2), (2, 1)) else None


def _ranks(text: str) -> tuple[object, object] | None:
    """Return the ranks of `model_1` and `model_2` in a list of dicts; None without the first."""
    try:
        entries = ast.literal_eval(text.strip())
        ranked = {entry["model"]: entry["rank"] for entry in reversed(list(entries))}
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError):
        return None
    return (ranked["model_1"], ranked.get("model_2")) if "model_1" in ranked else None

"""The counts of training data in words: one or two lines for a `data` event."""

from collections.abc import Mapping
from typing import Any

#: Why a row is left out (`train.data.groups.DataReport`), in words.
REASONS = {
    "identical": "identical responses",
    "empty": "empty responses",
    "different_prompts": "different prompts",
    "no_question": "no question",
    "too_few": "too few responses",
}


def data_lines(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the line of rows read, dropped and used; a second one where something is odd.

    Args:
        event: `split`, and the counts of `train.data.prepare.Counts`.
    """
    data, tokens = event["data"], event["tokens"]
    dropped = {text: data[reason] for reason, text in REASONS.items()}
    dropped["no pair of unequal rewards"] = event["pairless"]
    dropped["too long"] = tokens["too_long"]
    why = f" (dropped: {_listed(dropped)})" if any(dropped.values()) else ""
    first = (
        f"{event['split']} data: {data['rows']:,} rows, {tokens['prompts']:,} prompts used{why}, "
        f"{tokens['tokens']:,} tokens"
    )
    odd = _listed(
        {
            "prompts cut": tokens["cut_prompts"],
            "responses cut": tokens["cut_responses"],
            "prompts with all rewards tied": data["tied"],
            "tied pairs": event["tied_pairs"],
            "duplicate responses": data["duplicates"],
            "responses left out": data["left_out"],
        }
    )
    return (first, f"  in them: {odd}") if odd else (first,)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {text}" for text, count in counts.items() if count)


#: Why a response is in no row (`harness.data.sampling.rows`), in words.
_LEFT_OUT = {
    "no_reward": "without a reward",
    "empty": "empty",
    "cut": "cut off",
    "alone": "the only one left of their prompt",
    "tied": "of tied prompts",
}


def sampled_lines(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of what was sampled, its mean reward, and the rows written.

    Args:
        event: the counts of `harness.data.sampling.rows.Counts`, and how many answers were new.
    """
    reused = f" ({event['reused']:,} from the journal)" if event["reused"] else ""
    mean = event["mean_reward"]
    worth = "" if mean is None else f", mean reward {mean:.4g}"
    statuses = {name: count for name, count in event["statuses"].items() if name != "ok"}
    first = (
        f"sampled: {event['responses']:,} responses to {event['prompts']:,} prompts{reused}{worth}"
    )
    rows = f"written: {event['rows']:,} prompts with {event['written']:,} responses"
    left_out = {_LEFT_OUT[name]: count for name, count in event["left_out"].items()}
    tied = event["tied"] - event["tied_dropped"]
    odd = (
        f"  not ok: {failures}" if (failures := _named(statuses)) else "",
        f"  left out: {reasons}" if (reasons := _listed(left_out)) else "",
        f"  tied: {tied:,} of the prompts written have equal rewards; they hold the policy at the "
        "reference and prefer nothing (--drop-ties)"
        if tied
        else "",
    )
    return (first, rows, *filter(None, odd))


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)

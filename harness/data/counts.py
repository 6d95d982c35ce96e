"""What became of training data, in words: one or two lines for a `data` event."""

from collections.abc import Mapping
from typing import Any

#: Why a row is left out (`train.data.DataReport`), in words.
REASONS = {
    "identical": "identical responses",
    "empty": "empty responses",
    "different_prompts": "different prompts",
    "no_question": "no question",
    "too_few": "too few responses",
}


def data_lines(event: Mapping[str, Any]) -> tuple[str, ...]:
    """What was read, dropped and is used; then, where there is anything to say, what is odd in it.

    Args:
        event: `split`, and the counts of `train.prepare.Counts`.
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

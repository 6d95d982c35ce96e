"""Progress, and the counts of data, in the words that all screens for people share."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from harness.progress.throughput import EvaluationProgress, Pair, stage_title

#: Why a row is left out (`train.data.groups.DataReport`), in words.
REASONS = {
    "identical": "identical responses",
    "empty": "empty responses",
    "different_prompts": "different prompts",
    "no_question": "no question",
    "too_few": "too few responses",
}
#: Why a response is in no row (`harness.data.sampling.rows`), in words.
_LEFT_OUT = {
    "no_reward": "without a reward",
    "empty": "empty",
    "cut": "cut off",
    "alone": "the only one left of their prompt",
    "tied": "of tied prompts",
}
#: Control characters, invisible format characters (bidirectional overrides among them),
#: surrogates, line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def escaped(character: str) -> str:
    r"""Return a character as Python escapes it: `\x1b`, `\u202e`."""
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def visible(text: str, form: Callable[[str], str] = escaped) -> str:
    """Return foreign text that acts on no screen: what is not plainly printable is in `form`.

    Line ends and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        form(c) if c not in "\n\t" and unicodedata.category(c) in _HIDDEN else c for c in text
    )


def clock(seconds: float) -> str:
    """Return minutes and seconds, `1:05`, or hours too, `2:00:07`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def per_second(tokens: float | None) -> str:
    """Return a speed, `412` or `4.1`; nothing where it is not known."""
    if tokens is None:
        return ""
    return f"{tokens:,.0f}" if tokens >= 10 else f"{tokens:.1f}"


def failures(not_ok: int, lost: int) -> str:
    """Return the failures by whose fault they are; nothing if all is well."""
    return _listed({"not ok": not_ok, "lost by us": lost})


def clipped(text: str, width: int) -> str:
    """Cut a text in the middle: a name's end (a seed, a setting) tells as much as its start."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def _finished_line(pair: Pair, width: int | None = None) -> str:
    """Return the last line of a finished pair, its title cut where it is longer than `width`.

    Its score is in the table.
    """
    reused = pair.done - pair.generated
    if not pair.generated:
        parts = [f"{pair.done:,} done, all from the journal"]
    else:
        some = f" ({reused:,} from the journal)" if reused else ""
        parts = [f"{pair.done:,} done{some} in {clock(pair.seconds)}"]
    if speed := per_second(pair.rate):
        parts.append(f"{speed} tokens/s")
    if failed := failures(pair.not_ok, pair.lost):
        parts.append(failed)
    outcome = ", ".join(parts)
    title = pair.title if width is None else clipped(pair.title, max(8, width - len(outcome) - 2))
    return f"{title}: {outcome}"


def overall_line(progress: EvaluationProgress) -> str:
    """Return the line of an evaluation: samples done, tokens a second, time left."""
    parts = [f"{progress.done:,}/{progress.total:,}"]
    if speed := per_second(progress.rate):
        parts.append(f"{speed} tokens/s")
    if progress.left is not None:
        parts.append(f"about {clock(progress.left)} left")
    return ", ".join(parts)


def stage_line(event: Mapping[str, Any], seconds: float) -> str:
    """Return the line of a stage that ended after so many seconds, or was skipped; else ""."""
    if event["event"] not in ("ended", "skipped"):
        return ""
    ending = f"in {clock(seconds)}" if event["event"] == "ended" else "already"
    return f"{stage_title(event)}: done {ending}"


def lasting_lines(
    event: Mapping[str, Any],
    old: EvaluationProgress,
    new: EvaluationProgress,
    width: int | None = None,
) -> tuple[str, ...]:
    """Return the lines that an event leaves: a note, counts of data, pairs that it finished."""
    if event["event"] == "note":
        return (event["text"],)
    if event["event"] == "sampled":
        return sampled_lines(event)
    if event["event"] == "data":
        return data_lines(event)
    return tuple(
        _finished_line(pair, width)
        for key, pair in new.pairs.items()
        if pair.begun and pair.finished and not (key in old.pairs and old.pairs[key].finished)
    )


def data_lines(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the line of rows read, dropped and used; a second one where something is odd.

    `event` has `split`, and the counts of `train.data.prepare.Counts`.
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


def sampled_lines(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of what was sampled, its mean reward, and the rows written.

    `event` has the counts of `harness.data.sampling.rows.Counts`, and how many answers were new.
    """
    reused = f" ({event['reused']:,} from the journal)" if event["reused"] else ""
    mean = event["mean_reward"]
    worth = "" if mean is None else f", mean reward {mean:.4g}"
    first = (
        f"sampled: {event['responses']:,} responses to {event['prompts']:,} prompts{reused}{worth}"
    )
    rows = f"written: {event['rows']:,} prompts with {event['written']:,} responses"
    statuses = event["statuses"].items()
    not_ok = ", ".join(f"{name} {n:,}" for name, n in statuses if n and name != "ok")
    left_out = {_LEFT_OUT[name]: count for name, count in event["left_out"].items()}
    tied = event["tied"] - event["tied_dropped"]
    odd = (
        f"  not ok: {not_ok}" if not_ok else "",
        f"  left out: {reasons}" if (reasons := _listed(left_out)) else "",
        f"  tied: {tied:,} of the prompts written have equal rewards; they hold the policy at the "
        "reference and prefer nothing (--drop-ties)"
        if tied
        else "",
    )
    return (first, rows, *filter(None, odd))

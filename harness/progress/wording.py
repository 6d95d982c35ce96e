"""Progress in words: what all screens for people say alike."""

from collections.abc import Mapping
from typing import Any

from harness.progress.counts import data_lines, sampled_lines
from harness.progress.throughput import EvaluationProgress, Pair, pair_rate


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
    parts = (f"{not_ok:,} not ok" if not_ok else "", f"{lost:,} lost by us" if lost else "")
    return ", ".join(part for part in parts if part)


def clipped(text: str, width: int) -> str:
    """Cut a text in the middle: a name's end (a seed, a setting) tells as much as its start."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def finished_line(pair: Pair, width: int | None = None) -> str:
    """Return the last line of a finished pair; its score is in the table.

    Args:
        pair: all of it is done.
        width: the title is cut to make the line no longer than this; None: as long as it gets.
    """
    outcome = _became(pair)
    title = pair.title if width is None else clipped(pair.title, max(8, width - len(outcome) - 2))
    return f"{title}: {outcome}"


def _became(pair: Pair) -> str:
    reused = pair.done - pair.generated
    if not pair.generated:
        parts = [f"{pair.done:,} done, all from the journal"]
    else:
        some = f" ({reused:,} from the journal)" if reused else ""
        parts = [f"{pair.done:,} done{some} in {clock(pair.seconds)}"]
    if speed := per_second(pair_rate(pair)):
        parts.append(f"{speed} tokens/s")
    return ", ".join([*parts, *filter(None, [failures(pair.not_ok, pair.lost)])])


def overall_line(progress: EvaluationProgress) -> str:
    """Return the line of an evaluation: samples done, tokens a second, time left."""
    parts = [f"{progress.done:,}/{progress.total:,}"]
    if speed := per_second(progress.rate):
        parts.append(f"{speed} tokens/s")
    if progress.left is not None:
        parts.append(f"about {clock(progress.left)} left")
    return ", ".join(parts)


def newly_finished(old: EvaluationProgress, new: EvaluationProgress) -> tuple[Pair, ...]:
    """Return pairs that were finished between two moments."""
    return tuple(
        pair
        for key, pair in new.pairs.items()
        if pair.begun and pair.finished and not (key in old.pairs and old.pairs[key].finished)
    )


def event_lines(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of an event that is words in itself: a note, or what became of data."""
    if event["event"] == "note":
        return (event["text"],)
    if event["event"] == "sampled":
        return sampled_lines(event)
    return data_lines(event) if event["event"] == "data" else ()

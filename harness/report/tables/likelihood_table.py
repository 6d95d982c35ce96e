"""Changes in likelihood as tables: of checkpoints, and of objectives at equal margin."""

from collections.abc import Sequence

from harness.report.compare.likelihood import Likelihood, Trend, TrendRow, prompts_named, trend_rows
from harness.report.tables.table import NONE, Heading, Raw, Table
from harness.stats.records import Mean

_LIKELIHOOD_NOTE = (
    "Each change is that of a response's summed log-probability since step 0: mean ± standard "
    "error over {prompts}. The margin is best minus worst; rose is the share of prompts whose best "
    "response became more likely."
)
_TREND_NOTE = (
    "Each change is that of a response's summed log-probability since step 0, in nats: mean over "
    "{prompts}, then mean over training seeds [smallest, largest]. rose is the share of prompts "
    "whose best response became more likely."
)
_EQUAL = (
    "The columns at {0}'s margin are read where best minus worst first equals the final margin of "
    "{0} with the same seed, linear between probes; seeds is the number of seeds that reached it."
)


def likelihood_table(rows: Sequence[Likelihood]) -> Table:
    """Return the last change in log-probability of best and worst response, by checkpoint."""
    prompts = prompts_named(rows)
    headings = ("best, nats", "worst, nats", "margin, nats", "rose, %", "n")
    return Table(
        title=f"{prompts}: change in log-probability since step 0",
        headings=(Heading("checkpoint", "left"), *map(Heading, headings)),
        rows=tuple(
            (
                row.checkpoint,
                *map(_change, (row.best, row.worst, row.margin)),
                NONE if row.rose is None else f"{100 * row.rose:.0f}",
                str(row.best.n),
            )
            for row in rows
        ),
        notes=(_LIKELIHOOD_NOTE.format(prompts=prompts),),
        records=tuple(map(_likelihood_record, rows)),
    )


def _change(mean: Mean) -> str:
    return f"{mean.value:+.1f}" + ("" if mean.error is None else f" ± {mean.error:.1f}")


def _likelihood_record(row: Likelihood) -> dict[str, Raw]:
    record: dict[str, Raw] = {"checkpoint": row.checkpoint, "step": row.step}
    for name, mean in (("best", row.best), ("worst", row.worst), ("margin", row.margin)):
        record |= {name: mean.value, f"{name}_error": mean.error}
    return record | {"rose": row.rose, "n": row.best.n}


def trend_table(curves: Sequence[Trend], baseline: str, title: str) -> Table:
    """Return each objective at its last step, and at the baseline's last margin.

    The title names the recipe.

    Raises:
        RunError: there is no such objective, or the seeds differ.
    """
    objectives = trend_rows(curves, baseline)
    headings = ("seeds", "steps", "best", "worst", "margin", "rose, %", "seeds", "step", "best")
    groups = ("", "at the end", "", "", "", "", f"at {baseline}'s margin", "", "")
    prompts = prompts_named(
        [p for curve in curves for points in curve.seeds.values() for p in points]
    )
    return Table(
        title=f"{title}: changes in likelihood",
        headings=(
            Heading("checkpoint", "left"),
            *(Heading(f"{group}\n{name}") for group, name in zip(groups, headings, strict=True)),
        ),
        rows=tuple((row.label, *_at_end(row), *_at_margin(row)) for row in objectives),
        notes=(_TREND_NOTE.format(prompts=prompts), _EQUAL.format(baseline)),
        records=tuple(_trend_record(row, seed) for row in objectives for seed in row.last),
    )


def _at_end(row: TrendRow) -> tuple[str, ...]:
    last = list(row.last.values())
    rose = [reading.rose for reading in last if reading.rose is not None]
    return (
        str(len(last)),
        f"{last[0].step:.0f}",
        _spread([reading.best for reading in last]),
        _spread([reading.worst for reading in last]),
        _spread([reading.best - reading.worst for reading in last]),
        f"{100 * sum(rose) / len(rose):.0f}" if rose else NONE,
    )


def _at_margin(row: TrendRow) -> tuple[str, ...]:
    equal = list(row.equal.values())
    share = f"{len(equal)} of {len(row.last)}"
    if not equal:
        return share, NONE, NONE
    step = sum(reading.step for reading in equal) / len(equal)
    return share, f"{step:.1f}", _spread([reading.best for reading in equal])


def _spread(values: Sequence[float]) -> str:
    """Return the mean over seeds with the smallest and the largest."""
    mean = f"{sum(values) / len(values):+.1f}"
    return mean if len(values) == 1 else f"{mean} [{min(values):+.1f}, {max(values):+.1f}]"


def _trend_record(row: TrendRow, seed: int) -> dict[str, Raw]:
    last, equal = row.last[seed], row.equal.get(seed)
    record: dict[str, Raw] = {"checkpoint": row.label, "seed": seed}
    record |= {name: getattr(last, name) for name in ("step", "best", "worst", "rose")}
    return record | {
        f"equal_margin_{name}": getattr(equal, name) if equal else None
        for name in ("step", "best", "worst")
    }

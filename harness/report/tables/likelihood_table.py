"""Changes in likelihood as a table."""

from collections.abc import Sequence

from harness.report.compare.likelihood import Likelihood, prompts_named
from harness.report.tables.table import NONE, Heading, Raw, Table
from harness.stats.records import Mean

_LIKELIHOOD_NOTE = (
    "Each change is that of a response's summed log-probability since step 0: mean ± standard "
    "error over {prompts}. The margin is best minus worst; rose is the share of prompts whose best "
    "response became more likely."
)


def likelihood_table(rows: Sequence[Likelihood]) -> Table:
    """Return the change in log-probability of best and worst response, by checkpoint.

    Args:
        rows: the last change of each checkpoint.
    """
    prompts = prompts_named(rows)
    headings = ("best, nats", "worst, nats", "margin, nats", "rose, %", "n")
    return Table(
        title=f"{prompts}: change in log-probability since step 0",
        headings=(Heading("checkpoint", "left"), *map(Heading, headings)),
        rows=tuple(
            (
                row.checkpoint,
                *(_change(mean) for mean in (row.best, row.worst, row.margin)),
                NONE if row.rose is None else f"{100 * row.rose:.0f}",
                str(row.best.n),
            )
            for row in rows
        ),
        notes=(_LIKELIHOOD_NOTE.format(prompts=prompts),),
        records=tuple(_likelihood_record(row) for row in rows),
    )


def _change(mean: Mean) -> str:
    return f"{mean.value:+.1f}" + ("" if mean.error is None else f" ± {mean.error:.1f}")


def _likelihood_record(row: Likelihood) -> dict[str, Raw]:
    record: dict[str, Raw] = {"checkpoint": row.checkpoint, "step": row.step}
    for name, mean in (("best", row.best), ("worst", row.worst), ("margin", row.margin)):
        record |= {name: mean.value, f"{name}_error": mean.error}
    return record | {"rose": row.rose, "n": row.best.n}

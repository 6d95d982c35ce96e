"""AlpacaEval 2.0's length-controlled win rate (Dubois et al. 2024, arXiv 2404.04475).

A logistic regression without intercept explains each preference by the tanh of the length
difference, by how hard the instruction is, and by a constant; the win rate is what it predicts
where lengths do not differ. Two gamed versions of the baseline, whose true preference is known,
are fitted along with a total weight of 0.2. The penalty is L1; its strength is chosen by five-fold
cross-validation. Difficulties and gamed rows are in a file of upstream's data set that nothing
else needs: without it there is no such number.

The fit is in grading/length_model.py.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_text
from eval_suites.suite import Score

DIFFICULTY_FILE = "alpaca_eval/df_gamed.csv"
NAME = "length_controlled_win_rate"
_PREFIX = "control/"
#: Fewer rows are no ground for three coefficients and five folds.
_LEAST = 10


@dataclass(frozen=True, slots=True)
class Controls:
    """What the regression must know of an instruction.

    Attributes:
        difficulty: of the instruction.
        gamed: for each gamed baseline its preference (0 to 1) and its length difference, in
            standard deviations.
    """

    difficulty: float
    gamed: tuple[tuple[float, float], ...]

    def metrics(self, difference: float) -> dict[str, float]:
        """All that the fit needs of one sample, as metrics; `difference` is in characters."""
        found = {"difference": difference, "difficulty": self.difficulty}
        for number, (preference, gap) in enumerate(self.gamed):
            found |= {f"gamed_{number}_preference": preference, f"gamed_{number}_difference": gap}
        return {f"{_PREFIX}{name}": value for name, value in found.items()}


def load_controls(folder: Path | None, count: int) -> tuple[Controls, ...] | None:
    """Controls of the benchmark's `count` rows; None where the data folder has no such file.

    Raises:
        DataError: the file is malformed, or lacks a row.
    """
    if folder is None or not (folder / DIFFICULTY_FILE).is_file():
        return None
    where = f"{folder}/{DIFFICULTY_FILE}"
    gamed: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    difficulty: dict[int, float] = {}
    rows = csv.DictReader(io.StringIO(read_text(folder, DIFFICULTY_FILE)))
    for line, row in enumerate(rows, 2):
        try:
            index = int(row["index"])
            difficulty.setdefault(index, _number(row["instruction_difficulty"]))
            gamed[index].append((_number(row["preference"]), _number(row["std_delta_len"])))
        except (KeyError, TypeError, ValueError) as error:
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"{where}, line {line}: {what}; {AGAIN}") from error
    if lacking := set(range(count)) - difficulty.keys():
        raise DataError(f"{where}: nothing about instruction {min(lacking)}; {AGAIN}")
    return tuple(Controls(difficulty[index], tuple(gamed[index])) for index in range(count))


def _number(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(f"{text} is no number")
    return found


def length_controlled(scores: Sequence[Score], means: Mapping[str, float]) -> dict[str, float]:
    """The means without what only the fit needs, and the length-controlled win rate.

    Args:
        scores: with `win_rate` and the metrics of `Controls` (or without: then nothing is added).
        means: of the suite.
    """
    from eval_suites.judging.length_model import controlled_rate

    kept = {name: value for name, value in means.items() if not name.startswith(_PREFIX)}
    rows = [row for score in scores if (row := _row(score)) is not None]
    gaps = [gap for gap, _, _ in rows]
    if len(rows) < _LEAST or min(gaps) == max(gaps):
        return kept
    targets, controls = [target for _, target, _ in rows], [own for _, _, own in rows]
    difficulties = [own.difficulty for own in controls]
    gamed = [(*one, own.difficulty) for own in controls for one in own.gamed]
    return kept | {NAME: controlled_rate(gaps, difficulties, targets, gamed)}


def _row(score: Score) -> tuple[float, float, Controls] | None:
    """Length difference, preference and controls of a sample that has them."""
    found = score.metrics
    if score.value is None or f"{_PREFIX}difference" not in found:
        return None
    count = sum(name.endswith("_preference") for name in found if name.startswith(_PREFIX))
    gamed = tuple(
        (found[f"{_PREFIX}gamed_{n}_preference"], found[f"{_PREFIX}gamed_{n}_difference"])
        for n in range(count)
    )
    own = Controls(found[f"{_PREFIX}difficulty"], gamed)
    return found[f"{_PREFIX}difference"], found["win_rate"], own

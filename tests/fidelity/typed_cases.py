"""Cases of TheoremQA (typed values) and BIG-Bench Hard (declared in a sentence)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from eval_suites.grading.typed import Gold
from eval_suites.registry import find

from .held import Case, Held
from .word_cases import boxed


def _theoremqa(folder: Path, name: str) -> Iterator[Case]:
    for one in find(name).load(folder):
        gold = list(one.gold) if isinstance(one.gold, tuple) else one.gold
        yield Case(one, boxed(gold), boxed(_twin(one.gold)))


def _twin(gold: Gold) -> object:
    """A wrong answer of the same type, wrong by upstream's rule too."""
    if isinstance(gold, bool):
        return not gold
    if isinstance(gold, str):
        return "(b)" if gold == "(a)" else "(a)"
    if isinstance(gold, tuple):
        return [*gold[:-1], abs(gold[-1]) * 2 + 1]
    return abs(gold) * 2 + 1


def _bbh(folder: Path) -> Iterator[Case]:
    """A task's next gold in alphabetical order is the twin; each text names both."""
    samples = find("bbh").load(folder)
    of_task: dict[str, set[str]] = {}
    for one in samples:
        of_task.setdefault(one.task, set()).add(one.gold)
    golds = {task: sorted(found) for task, found in of_task.items()}
    for one in samples:
        others = golds[one.task]
        twin = others[(others.index(one.gold) + 1) % len(others)]
        yield Case(one, _declared(one.gold, twin), _declared(twin, one.gold))


def _declared(answer: str, other: str) -> str:
    return f"At first {other} looks right. So the answer is {answer}."


TYPED = (
    *(
        Held(suite=name, cases=partial(_theoremqa, name=name), samples=800)
        for name in ("theoremqa", "theoremqa:eurus")
    ),
    Held(suite="bbh", cases=_bbh, samples=6511),
)

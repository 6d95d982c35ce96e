"""A suite's samples as an evaluation asks them, and what makes two columns of it comparable."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from eval_suites.requests import Request
from eval_suites.suite import Suite
from harness.evaluate.client.job import EvalJob
from harness.evaluate.suites.library import SuiteLibrary
from harness.storage.hashing import canonical, digest_of_list
from harness.storage.journal.entries import payload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A suite with the samples of this evaluation, in the order that they are asked.

    `prompts` is a hash of all that is asked first.
    """

    suite: Suite[Any]
    samples: Sequence[Any]
    prompts: str


def load(name: str, limit: int | None, job: EvalJob, library: SuiteLibrary | None = None) -> Loaded:
    """Return a suite's first `limit` samples (of each stratum), and a hash of their requests.

    Args:
        name: of the suite.
        limit: samples of each stratum; None for all.
        job: the evaluation.
        library: of suites that are loaded already.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    library = library or SuiteLibrary(job.data_dir, job.lm_eval_tasks)
    suite = library.suite(name).with_decoding(**job.decoding.model_dump(exclude_none=True))
    samples = library.samples(name)
    samples = samples if limit is None else first_of_each(samples, limit, suite.sampling.stratum)
    asked = ([sample.id, [payload(r) for r in suite.ask(sample, ())]] for sample in samples)
    return Loaded(suite, longest_first(suite, samples), digest_of_list(asked, 16))


def longest_first(suite: Suite[Any], samples: Sequence[T]) -> tuple[T, ...]:
    """Samples by stratum, so that few-shot examples are found in the cache; long prompts first.

    The last ones to be answered are then short, and no long one keeps an engine waiting.
    """
    strata = {
        part: place
        for place, part in enumerate(dict.fromkeys(map(suite.sampling.stratum, samples)))
    }

    def place(sample: T) -> tuple[int, int]:
        return strata[suite.sampling.stratum(sample)], -sum(map(_size, suite.ask(sample, ())))

    return tuple(sorted(samples, key=place))


def _size(request: Request) -> int:
    """Characters of a prompt and of what is scored after it."""
    asked = len(request.text or "") + len(request.continuation)
    return asked + sum(len(m.content) for m in request.messages)


def first_of_each(samples: Sequence[T], limit: int, stratum: Callable[[T], str]) -> tuple[T, ...]:
    """The first `limit` samples of each stratum, in the order of all."""
    seen: Counter[str] = Counter()
    kept: list[T] = []
    for sample in samples:
        part = stratum(sample)
        seen[part] += 1
        if seen[part] <= limit:
            kept.append(sample)
    return tuple(kept)


def suite_protocol(item: Loaded, job: EvalJob) -> dict[str, str]:
    """What must agree between two columns of this suite before they are compared."""
    return {
        "suite": f"{item.suite.name} {item.suite.version}",
        "prompts": item.prompts,
        "decoding": canonical(asdict(item.suite.sampling.decoding)),
        "seed": str(job.seed),
        "repeats": str(job.repeats),
    }

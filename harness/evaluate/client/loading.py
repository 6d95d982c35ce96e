"""A suite's samples in the order of an evaluation, and the protocol that makes it comparable."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
class LoadedSuite:
    """A suite with the samples of an evaluation, in the order that they are asked.

    `prompts` is a hash of all first requests.
    """

    suite: Suite[Any]
    samples: Sequence[Any]
    prompts: str


def load_suites(
    job: EvalJob, library: SuiteLibrary | None = None, prefix: str = ""
) -> list[LoadedSuite]:
    """Return the suites of an evaluation whose names begin with a prefix, as `load_suite`."""
    library = library or SuiteLibrary(job.data_dir, job.lm_eval_tasks)
    names = (name for name in job.suites if name.startswith(prefix))
    return [load_suite(name, job.suites[name], job, library) for name in names]


def load_suite(name: str, limit: int | None, job: EvalJob, library: SuiteLibrary) -> LoadedSuite:
    """Return a suite with its first `limit` samples of each stratum; None for all.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    suite = library.suite(name).with_decoding(**job.decoding.model_dump(exclude_none=True))
    samples, stratum = library.samples(name), suite.sampling.stratum
    samples = samples if limit is None else first_of_each(samples, limit, stratum)
    sizes: list[int] = []

    def first_requests() -> Iterator[list[Any]]:
        for sample in samples:
            requests = suite.ask(sample, ())
            sizes.append(sum(map(characters, requests)))
            yield [sample.id, list(map(payload, requests))]

    prompts = digest_of_list(first_requests(), 16)
    # By stratum, so that few-shot examples are cached; long prompts first, so that the last ones
    # to be answered are short, and no long one keeps an engine waiting.
    places = {part: place for place, part in enumerate(dict.fromkeys(map(stratum, samples)))}
    order = sorted(range(len(samples)), key=lambda k: (places[stratum(samples[k])], -sizes[k]))
    return LoadedSuite(suite, tuple(samples[k] for k in order), prompts)


def characters(request: Request) -> int:
    """Return the characters of a prompt and of a continuation that is scored after it."""
    characters = len(request.text or "") + len(request.continuation)
    return characters + sum(len(message.content) for message in request.messages)


def first_of_each(samples: Sequence[T], limit: int, stratum: Callable[[T], str]) -> tuple[T, ...]:
    """Return the first `limit` samples of each stratum, in the order of all."""
    counts: Counter[str] = Counter()

    def within_limit(sample: T) -> bool:
        counts[stratum(sample)] += 1
        return counts[stratum(sample)] <= limit

    return tuple(filter(within_limit, samples))


def suite_protocol(item: LoadedSuite, job: EvalJob) -> dict[str, str]:
    """Return the settings of a suite that must agree between two checkpoints' scores on it."""
    return {
        "suite": f"{item.suite.name} {item.suite.version}",
        "prompts": item.prompts,
        "decoding": canonical(asdict(item.suite.sampling.decoding)),
        "seed": str(job.seed),
        "repeats": str(job.repeats),
    }

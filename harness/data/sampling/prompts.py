"""The prompts to sample from: those of a suite, or of a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from eval_suites import registry
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.suite import Suite
from harness.errors import UserError
from harness.evaluate.client.loading import first_of_each
from harness.evaluate.suites.library import SuiteLibrary
from harness.recipe.schema import SampleSection
from train.data.sources import SourceRow, read_rows
from train.data.turns import read_prompt

#: New tokens of a response where no suite says how many.
_MOST_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt; `sample` is the suite's, which a verifier scores by (None: there is none)."""

    id: str
    request: Request
    sample: Any = None


def is_suite(name: str) -> bool:
    """Return True for prompts of a suite, False for a file."""
    return name in registry.SUITES


def prompts_of(section: SampleSection, library: SuiteLibrary) -> tuple[Prompt, ...]:
    """Return the prompts of a section, in the order of their suite or file.

    Raises:
        UserError: prompts that cannot be trained on, or that the verifier does not know.
        eval_suites.DataError, train.DataError: there is no such suite data or file.
    """
    if is_suite(section.prompts):
        return _of_suite(section, library)
    prompts = tuple(_of_file(section, library))
    if not prompts:
        raise UserError(f"{section.prompts}: holds no prompt; give rows with `prompt`")
    return prompts


def verifier(name: str) -> Suite[Any]:
    """Return the suite whose scorer rewards responses.

    Raises:
        eval_suites.UnknownSuiteError: there is none of this name.
        UserError: a judge scores it.
    """
    suite = registry.find(name)
    if suite.judging is not None:
        raise UserError(f"suite {name} asks a judge: name another verifier, or a reward model")
    return suite


def _of_suite(section: SampleSection, library: SuiteLibrary) -> tuple[Prompt, ...]:
    changes = {"temperature": section.temperature, "top_p": section.top_p}
    if section.max_tokens is not None:
        changes["max_tokens"] = section.max_tokens
    suite = library.suite(section.prompts).with_decoding(**changes)
    samples = library.samples(section.prompts)
    if section.limit is not None:
        samples = first_of_each(samples, section.limit, suite.sampling.stratum)
    if section.verifier is not None and section.verifier != section.prompts:
        # Their ids alone may agree.
        gradable = _gradable(section.verifier, library)
        for sample in samples:
            if gradable.get(sample.id) != sample:
                raise UserError(
                    f"verifier {section.verifier}: does not know sample {sample.id} of "
                    f"{section.prompts}: name a suite on the same samples, or leave it out"
                )
    return tuple(Prompt(sample.id, _only(suite, sample), sample) for sample in samples)


def _gradable(name: str, library: SuiteLibrary) -> dict[str, Any]:
    verifier(name)  # refuse a suite that asks a judge
    return {sample.id: sample for sample in library.samples(name)}


def _only(suite: Suite[Any], sample: Any) -> Request:
    """Return the one chat request of a sample: what training data can hold."""
    requests = suite.ask(sample, ())
    if len(requests) != 1 or suite.ask(sample, (Answer("x"),)):
        raise UserError(f"suite {suite.name} asks more than once a sample: name another")
    if requests[0].text is not None:
        raise UserError(
            f"suite {suite.name} asks plain text, and training data are chats: name its chat form"
        )
    return requests[0]


def _of_file(section: SampleSection, library: SuiteLibrary) -> Iterator[Prompt]:
    samples = None if section.verifier is None else _gradable(section.verifier, library)
    decoding = Decoding(section.temperature, section.top_p, section.max_tokens or _MOST_TOKENS)
    for source in islice(read_rows(section.prompts), section.limit):
        where = f"{source.place}, row {source.number}"
        request = Request(messages=_messages(source, where), decoding=decoding)
        name = source.row.get("sample_id")
        if samples is not None and str(name) not in samples:
            raise UserError(
                f"{where}: the verifier has no sample {name!r}: a row's `sample_id` names the "
                "sample that its responses are scored by; or name a reward model"
            )
        sample = None if samples is None else samples[str(name)]
        yield Prompt(str(source.row.get("id", source.number)), request, sample)


def _messages(source: SourceRow, where: str) -> tuple[Message, ...]:
    row = source.row if isinstance(source.row, Mapping) else {}
    try:
        turns = read_prompt(row.get("prompt") if row.get("messages") is None else row["messages"])
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    if not turns or turns[-1][0] == "assistant":
        raise UserError(f"{where}: the prompt is empty or ends with the assistant; mend it")
    for role, _ in turns:
        if role not in ("system", "user", "assistant"):
            raise UserError(f"{where}: no role is called {role!r}: system, user or assistant")
    return tuple(Message(role, content) for role, content in turns)  # type: ignore[arg-type]

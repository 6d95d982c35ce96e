"""Requests and answers in both languages: lm-eval's Instances, and ours."""

from collections.abc import Mapping
from typing import Any

from eval_suites.errors import DataError
from eval_suites.requests import Answer, Decoding, Request
from harness.errors import UserError

#: The names of the most new tokens in lm-eval, in its order, and its default.
_MOST = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
_DEFAULT_MOST = 256
_KNOWN = {*_MOST, "until", "do_sample", "temperature", "top_p"}
#: Nothing is decoded where a continuation is scored.
NO_DECODING = Decoding(max_tokens=0)


def request_of(instance: Any) -> Request:
    """Return the request of an Instance.

    Raises:
        UserError: it asks for decoding that engines do not offer.
        eval_suites.DataError: the continuation is empty.
    """
    if instance.request_type == "generate_until":
        text, settings = instance.args
        return Request(text=text, decoding=decoding(settings))
    text, continuation = (None, *instance.args)[-2:]
    if not continuation:
        raise DataError(f"row {instance.doc_id}: the text that is to be scored is empty")
    return Request(text=text, continuation=continuation, decoding=NO_DECODING)


def decoding(settings: Mapping[str, Any]) -> Decoding:
    """Return the decoding of `generation_kwargs`.

    Raises:
        UserError: a key that is not known here.
    """
    if unknown := sorted(settings.keys() - _KNOWN):
        raise UserError(
            f"generation_kwargs: {', '.join(unknown)}: only {', '.join(sorted(_KNOWN))} are known"
        )
    until = settings.get("until") or []
    stop = [until] if isinstance(until, str) else until
    most = next((settings[key] for key in _MOST if settings.get(key)), _DEFAULT_MOST)
    drawn = settings.get("do_sample") is not False
    return Decoding(
        temperature=float(settings.get("temperature", 0.0)) if drawn else 0.0,
        top_p=float(settings.get("top_p", 1.0)),
        max_tokens=int(most),
        stop=tuple(word for word in stop if word),
    )


def response_of(kind: str, answer: Answer) -> Any:
    """Return an answer as lm-eval's own model classes give it for an Instance of this kind.

    Raises:
        ValueError: the answer has no likelihood.
    """
    if kind == "generate_until":
        return answer.text
    if answer.likelihood is None:
        raise ValueError("the answer has no likelihood")
    if kind == "loglikelihood_rolling":
        return answer.likelihood.logprob
    return answer.likelihood.logprob, answer.likelihood.greedy

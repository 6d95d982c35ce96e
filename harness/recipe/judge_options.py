"""The judge as the command line names it: `--judge ENGINE:MODEL` and the options beside it."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness.engines.registry import ENGINES, REMOTE, capabilities_of
from harness.errors import RecipeError
from harness.recipe.schema import JudgeChoice

_FORMS = (
    "openai:MODEL (with --judge-url for another endpoint than OpenAI's), vllm:FOLDER, "
    "transformers:FOLDER or fake:FOLDER"
)


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """The options as typed; None or "" where one is not given."""

    spec: str | None = None
    url: str = ""
    price: str | None = None
    max_cost: float | None = None
    repeats: int | None = None

    def keys(self) -> dict[str, Any]:
        """Return the values that the options set under `evaluate.judge`.

        Raises:
            RecipeError: a judge or a price has no known form.
        """
        values: dict[str, Any] = {} if self.spec is None else _parse_judge(self.spec)
        given = {
            "base_url": self.url or None,
            "price": None if self.price is None else _parse_price(self.price),
            "max_cost": self.max_cost,
            "repeats": self.repeats,
        }
        values |= {key: value for key, value in given.items() if value is not None}
        name = values.get("name", REMOTE)
        if values.get("base_url") and "remote" not in capabilities_of(name):
            raise RecipeError(
                f"--judge-url goes with an endpoint: --judge openai:MODEL, not {self.spec}"
            )
        return values

    def overrides(self) -> list[str]:
        """Return the options as `--set` takes them; a judge replaces all keys of the recipe's."""
        keys = self.keys()
        if self.spec is not None:
            return [f"evaluate.judge={json.dumps(keys)}"]
        return [f"evaluate.judge.{key}={json.dumps(value)}" for key, value in keys.items()]

    def choice(self) -> JudgeChoice | None:
        """Return the judge that the options name, None where they name none.

        Raises:
            RecipeError: there are options of a judge but no judge, or values that it cannot have.
        """
        keys = self.keys()
        if keys and self.spec is None:
            raise RecipeError(f"no judge is named: --judge {_FORMS}")
        try:
            return JudgeChoice(**keys) if keys else None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            whose = f"the judge's {where}" if where else "the judge"
            raise RecipeError(f"{whose}: {first['msg']}") from None


def _parse_judge(spec: str) -> dict[str, Any]:
    name, _, model = spec.partition(":")
    if name not in ENGINES or not model.strip():
        raise RecipeError(f"--judge {spec}: write {_FORMS}")
    return {"name": name, "model": model.strip()}


def _parse_price(text: str) -> list[float]:
    try:
        prompt, completion = (float(part) for part in text.split(","))
    except ValueError:
        raise RecipeError(
            f"--judge-price {text}: write dollars for a million prompt tokens and a million "
            "completion tokens, with a comma: --judge-price 2.5,10"
        ) from None
    return [prompt, completion]

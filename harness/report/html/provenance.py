"""Where the numbers come from: recipes, fingerprints, seeds, protocols, versions, machines."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from harness.report.html.material import Material, Source


def provenance(material: Material, pages: Mapping[str, str]) -> dict[str, Any]:
    """What the section says, as plain data.

    Args:
        material: what the report is made of.
        pages: checkpoint -> its page.
    """
    return {
        "checkpoints": [
            {
                "name": c.name,
                "page": pages[c.name],
                "method": (c.train or {}).get("method", "not trained here"),
                "seed": (c.train or {}).get("seed", "–"),
                "fingerprint": c.fingerprint,
            }
            for c in material.result.checkpoints
        ],
        "protocols": [_protocol(material, suite) for suite in material.suites],
        "runs": [_run(one) for one in material.sources],
    }


def _protocol(material: Material, suite: str) -> dict[str, Any]:
    """Fact -> its values, each with the checkpoints that have it where these differ."""
    told = {
        c.name: c.suites[suite].protocol for c in material.result.checkpoints if suite in c.suites
    }
    keys = sorted({key for found in told.values() for key in found})
    return {"suite": suite, "facts": [(key, list(_values(told, key))) for key in keys]}


def _values(told: Mapping[str, Mapping[str, str]], key: str) -> Iterator[tuple[str, str]]:
    by_value: dict[str, list[str]] = {}
    for name, found in told.items():
        by_value.setdefault(found.get(key, "not stated"), []).append(name)
    for value, names in by_value.items():
        yield value, "" if len(by_value) == 1 else ", ".join(names)


def _run(one: Source) -> dict[str, Any]:
    result = one.result
    return {
        "title": f"Run {result.recipe}-{result.key}",
        "base": result.base,
        "versions": ", ".join(f"{name} {text}" for name, text in result.versions.items()),
        "made": list(_made(result.made)),
        "samples": [
            (name, yaml.safe_dump(found, sort_keys=False, allow_unicode=True))
            for name, found in result.samples.items()
        ],
        "recipe": one.recipe,
    }


def _made(made: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """What made each stage; stages that the same made stand together."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for stage, told in made.items():
        groups.setdefault(tuple(told.items()), []).append(stage)
    for facts, stages in groups.items():
        versions = [(k.removeprefix("version."), v) for k, v in facts if k.startswith("version.")]
        rest = [(key, value) for key, value in facts if not key.startswith("version.")]
        if versions:
            rest.append(("versions", ", ".join(f"{name} {text}" for name, text in versions)))
        yield {"stages": ", ".join(stages), "facts": rest}

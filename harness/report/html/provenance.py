"""The provenance of a report: recipes, fingerprints, seeds, protocols, versions, machines."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from harness.report.html.material import Material, Source


def provenance(material: Material, pages: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the section.

    Args:
        material: the material of the report.
        pages: checkpoint -> page.
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
        "runs": [_run(source) for source in material.sources],
    }


def _protocol(material: Material, suite: str) -> dict[str, Any]:
    """Return the values of each fact, with the checkpoints of each value if they differ."""
    protocols = {
        c.name: c.suites[suite].protocol for c in material.result.checkpoints if suite in c.suites
    }
    keys = sorted({key for facts in protocols.values() for key in facts})
    return {"suite": suite, "facts": [(key, list(_values(protocols, key))) for key in keys]}


def _values(protocols: Mapping[str, Mapping[str, str]], key: str) -> Iterator[tuple[str, str]]:
    by_value: dict[str, list[str]] = {}
    for name, facts in protocols.items():
        by_value.setdefault(facts.get(key, "not stated"), []).append(name)
    for value, names in by_value.items():
        yield value, "" if len(by_value) == 1 else ", ".join(names)


def _run(source: Source) -> dict[str, Any]:
    result = source.result
    return {
        "title": f"Run {result.recipe}-{result.key}",
        "base": result.base,
        "versions": ", ".join(f"{name} {text}" for name, text in result.versions.items()),
        "made": list(_made(result.made)),
        "samples": [
            (name, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
            for name, settings in result.samples.items()
        ],
        "recipe": source.recipe,
    }


def _made(made: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield the software and machine of the stages, grouped where they are equal."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for stage, origin in made.items():
        groups.setdefault(tuple(origin.items()), []).append(stage)
    for facts, stages in groups.items():
        versions = [(k.removeprefix("version."), v) for k, v in facts if k.startswith("version.")]
        rest = [(key, value) for key, value in facts if not key.startswith("version.")]
        if versions:
            rest.append(("versions", ", ".join(f"{name} {text}" for name, text in versions)))
        yield {"stages": ", ".join(stages), "facts": rest}

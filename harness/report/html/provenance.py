"""The provenance of a report: recipes, fingerprints, seeds, protocols, versions, machines."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from harness.report.html.material import Material, Source
from harness.storage.result import Result


def provenance(material: Material, pages: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the section; `pages` maps checkpoints to their pages."""
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
        "protocols": [_protocol(material.result, suite) for suite in material.result.suites],
        "runs": [_run(source) for source in material.sources],
    }


def _protocol(result: Result, suite: str) -> dict[str, Any]:
    """Return the values of each fact, with the checkpoints of each value if they differ."""
    protocols = {name: score.protocol for name, score in result.of_suite(suite).items()}
    facts = []
    for key in sorted({key for protocol in protocols.values() for key in protocol}):
        names: dict[str, list[str]] = {}
        for name, protocol in protocols.items():
            names.setdefault(protocol.get(key, "not stated"), []).append(name)
        alike = len(names) == 1
        texts = [(value, "" if alike else ", ".join(own)) for value, own in names.items()]
        facts.append((key, texts))
    return {"suite": suite, "facts": facts}


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

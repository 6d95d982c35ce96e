"""The picture of the rooms, docs/images/rooms.svg, from the layers in pyproject.toml.

    python scripts/rooms_picture.py > docs/images/rooms.svg

A test holds the picture to the layers that import-linter enforces. Only the words are written here.
"""

import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGES = {
    "harness": "the tool",
    "train": "knows no suite, no tracker, no engine",
    "eval_suites": "knows no engine, no tracker; writes no file",
}
WORDS = {
    "harness.cli": "commands and their options",
    "harness.pipeline": "plan, stages, launch, dry run, audit",
    "harness.report": "comparison, tables, figures, pages, dashboard",
    "harness.tracking": "MLflow",
    "harness.data": "benchmark files, sampling of training data",
    "harness.evaluate": "suites, cached client, judge, loop, measurements, answer files",
    "harness.stats": "intervals, paired tests, power",
    "harness.recipe": "schema, sweeps, options",
    "harness.engines": "vLLM, transformers, endpoints; checkpoints",
    "harness.progress": "events and how they are shown",
    "harness.storage": "run folder, journal, hashing, results, provenance",
    "train.trainer": "loop, reference, state, processes",
    "train.model": "loading, adapters, log-probabilities",
    "train.data": "sources, row formats, chat, packing",
    "train.objectives": "one file for each family",
    "eval_suites.suites": "one file for each benchmark",
    "eval_suites.problems": "what several suites share",
    "eval_suites.judging": "prompts and verdicts",
    "eval_suites.grading": "extraction and equality",
    "eval_suites.suite": "the interface of a benchmark",
    "eval_suites.sandbox": "programs, contained",
}
WIDTH, MARGIN, ROW, HEAD = 960, 30, 41, 40
HALF = (WIDTH - 2 * MARGIN - 20) // 2
OPENING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
  aria-label="The rooms of the three packages: each imports only rooms below it">"""
STYLE = """\
<style>
  text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #4a535d }
  .name { font-size: 15px; font-weight: 600; fill: #1b1f24 }
  .package { font-size: 15px; font-weight: 600 }
  .page { fill: #ffffff }
  .floor { fill: #f3f5f8; stroke: #c3cad3 }
  .room { fill: #e3ebfb; stroke: #5b7fc7 }
</style>"""


def layers(project: Path) -> dict[str, list[str]]:
    """Return the layers of each package that are pictured, from the top."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["importlinter"]
    rooms = {name: c["layers"] for c in table["contracts"] for name in c.get("containers", ())}
    return {
        package: [room for room in rooms[package] if f"{package}.{room}" in WORDS]
        for package in PACKAGES
    }


def picture(rooms: dict[str, list[str]]) -> str:
    """Return the picture as SVG: harness above, the two others side by side below it."""
    below = 20 + _height(rooms["harness"]) + 50
    height = below + max(_height(rooms[name]) for name in ("train", "eval_suites")) + 20
    right = MARGIN + HALF + 20
    parts = [
        *_package("harness", rooms["harness"], MARGIN, 20, WIDTH - 2 * MARGIN),
        *_package("train", rooms["train"], MARGIN, below, HALF),
        *_package("eval_suites", rooms["eval_suites"], right, below, HALF),
        *(_arrow(x + HALF // 2, below) for x in (MARGIN, right)),
        f'<text x="{WIDTH // 2}" y="{below - 20}" text-anchor="middle">may import</text>',
    ]
    parts = [_box("page", 0, 0, WIDTH, height), *parts]
    return "\n".join([OPENING.format(width=WIDTH, height=height), STYLE, *parts, "</svg>\n"])


def _height(rooms: Sequence[str]) -> int:
    return HEAD + ROW * len(rooms) + 8


def _package(name: str, rooms: Sequence[str], x: int, y: int, width: int) -> Iterator[str]:
    yield _box("floor", x, y, width, _height(rooms))
    yield _line("package", x + 20, y + 26, name, PACKAGES[name])
    for number, room in enumerate(rooms):
        top = y + HEAD + number * ROW
        yield _box("room", x + 20, top, width - 40, ROW - 7)
        yield _line("name", x + 34, top + 22, room, WORDS[f"{name}.{room}"])


def _box(kind: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _line(kind: str, x: int, y: int, name: str, words: str) -> str:
    spans = f'<tspan class="{kind}">{name}</tspan><tspan dx="14">{words}</tspan>'
    return f'<text x="{x}" y="{y}">{spans}</text>'


def _arrow(x: int, below: int) -> str:
    return f'<path d="M{x} {below - 46} V{below - 12} h-5 l5 10 l5 -10 h-5" stroke="#4a535d"/>'


if __name__ == "__main__":
    sys.stdout.write(picture(layers(Path(__file__).resolve().parent.parent / "pyproject.toml")))

"""The end of a run: one comparison, from which files, report, screen and store are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.compare.comparison import compare_all
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of a run.

    Attributes:
        folder: of the run.
        result: everything that is finished in the folder.
        comparison: the scores of the result compared with its baseline; None without scores.
        events: of the stages, except progress.
    """

    folder: RunFolder
    result: Result
    comparison: Comparison | None
    events: tuple[Mapping[str, Any], ...] = ()


def finish(folder: RunFolder, result: Result, title: str | None) -> Finished:
    """Compare a result once, and write result, tables, pictures and report unless they are there.

    Raises:
        RunError: scores must not be compared.
    """
    from harness.report.html.build import beside, report_baselines
    from harness.report.run_summary import keep

    text = result.model_dump_json(indent=1) + "\n"
    unchanged = folder.result.exists() and folder.result.read_text(encoding="utf-8") == text
    baselines = [] if unchanged and folder.report.is_file() else report_baselines(result)
    scored = any(checkpoint.suites for checkpoint in result.checkpoints)
    compared = compare_all(result, baselines or [result.baseline]) if baselines or scored else {}
    comparison = compared[result.baseline] if scored else None
    if not unchanged:
        keep(result, comparison, folder.path, title)
    if baselines:
        beside(result, folder, compared)
    if not unchanged:
        write_text(folder.result, text)
    return Finished(folder, result, comparison)

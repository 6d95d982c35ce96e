"""The output of commands that run stages: for people, briefly for people, or for programs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.evaluate.judge.budget import dollars
from harness.pipeline.finish import Finished
from harness.progress.live import screen
from harness.progress.screen import JsonLines, Screen


class TerminalOutput:
    """Output of progress, tables and places of files; if quiet, of the tables alone."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self.screen: Screen = screen(console, quiet=quiet)

    def heading(self, text: str) -> None:
        """Print a rule with a text in it."""
        if not self._quiet:
            self._console.rule(text)

    def note(self, line: str) -> None:
        """Print one line, however long."""
        if not self._quiet:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def paragraph(self, text: str) -> None:
        """Print lines that are broken at words."""
        if not self._quiet:
            self._console.print(text, highlight=False, markup=False)

    def result(self, finished: Finished, tracking_uri: str, title: str | None = None) -> None:
        """Print the tables, how much was reused, and where everything is."""
        from harness.report.run_summary import show

        show(finished.result, finished.comparison, self._console, title)
        for event in finished.events:
            if event["event"] == "evaluated":
                damaged = event["damaged"]
                again = f", {damaged} damaged ones asked again" if damaged else ""
                counts = f"{event['asked']} asked, {event['reused']} reused from the journal"
                self.note(f"answers: {counts}{again}")
                if event["verdicts_asked"] + event["verdicts_reused"]:
                    self.note(verdicts_line(event))
            if event["event"] == "tracked" and event.get("failed"):
                lost = f"MLflow: {event['failed']}; everything is in the run folder"
                self._console.print(lost, style="red", markup=False)
        self.note(f"files:  {_shortest(finished.folder.path)}")
        if finished.folder.report.is_file():
            self.note(f"report: {_shortest(finished.folder.report)}")
        if tracking_uri:
            self.note(f"MLflow: {tracking_uri}")
        if tracking_uri.startswith("sqlite"):
            self.note(f"        open it with: mlflow ui --backend-store-uri {tracking_uri}")


class JsonOutput:
    """Output as JSON lines; the last line of a run is its result."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines
        self.screen: Screen = lines

    def heading(self, text: str) -> None:
        """Write a note event."""
        self.note(text)

    def note(self, line: str) -> None:
        """Write a note event, as stages send them."""
        self._lines.write({"event": "note", "text": line})

    def paragraph(self, text: str) -> None:
        """Write nothing: paragraphs explain tables to people."""

    def result(self, finished: Finished, tracking_uri: str, title: str | None = None) -> None:
        """Write the records of the tables, and where everything is."""
        from harness.report.run_summary import tables

        by_name = tables(finished.result, finished.comparison, title)
        records = {name: table.records for name, table in by_name.items()}
        page = finished.folder.report
        self._lines.write(
            {
                "event": "result",
                "run": str(finished.folder.path),
                "report": str(page) if page.is_file() else "",
                "tracking": tracking_uri,
                "records": records.get("table", ()),
                "likelihood": records.get("likelihood", ()),
            }
        )


#: The output of a command: stages, notes and the result.
Output = TerminalOutput | JsonOutput


def verdicts_line(event: Mapping[str, Any]) -> str:
    """Return the verdicts of an `evaluated` event in words: their number, tokens and cost."""
    new, reused, used = event["verdicts_asked"], event["verdicts_reused"], event["judge"]
    text = f"verdicts: {new} asked, {reused} reused from the journal"
    if not used["requests"]:
        return text
    text += (
        f"; {used['prompt_tokens']:,} prompt and {used['completion_tokens']:,} completion tokens"
    )
    if used["cost"] is not None:
        text += f", {dollars(used['cost'])}"
    if used["uncounted"]:
        most = "" if used["cost"] is None else ", each taken to have cost the most it can"
        text += f" ({used['uncounted']:,} replies did not say how many{most})"
    return text


def output(*, quiet: bool = False, json: bool = False) -> Output:
    """Return the output of a command's options."""
    return JsonOutput(JsonLines(sys.stdout)) if json else TerminalOutput(Console(), quiet=quiet)


def _shortest(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path

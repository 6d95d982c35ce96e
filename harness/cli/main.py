"""The command line: `nca`. Heavy imports stay inside the commands, so that --help is quick."""

import signal
import sys
import traceback

import typer

from harness.cli import data, journal, machine, results, runs, suites
from harness.pipeline.processes import switch_off_telemetry

app = typer.Typer(
    name="nca",
    help="Train checkpoints with NCA, InfoNCA and DPO, evaluate them, and show which is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (runs, results, machine):
    app.add_typer(commands.app)
app.add_typer(suites.app, name="suites")
app.add_typer(data.app, name="data")
app.add_typer(journal.app, name="journal")

#: What typer gives back for Ctrl-C.
_INTERRUPTED = 130
#: Commands whose --json is a form of output, not a file.
_JSON_LINES = ("run", "train", "eval", "demo")


def main() -> None:
    """Run a command; every error ends in one or two lines and an exit code."""
    switch_off_telemetry()
    # Ends like Ctrl-C: stages are interrupted, not orphaned.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except Exception as error:  # the border: everything is classified here
        sys.exit(_explain(error))
    if code == _INTERRUPTED:
        text = "interrupted: what was finished is kept; run the same command again to go on"
        sys.exit(_failed(text, 1))
    sys.exit(code or 0)


def _explain(error: Exception) -> int:
    from typer.exceptions import TyperException

    from harness.errors import classify

    if "--debug" in sys.argv:
        traceback.print_exc()
    if isinstance(error, TyperException):  # a command line that cannot be read
        show = getattr(error, "show", None)
        if show is None:
            return _failed(error.format_message(), 2)
        show()
        return _report_as_json(error.format_message(), 2)
    classified = classify(error)
    if classified is None:
        text = f"{type(error).__name__}: {error} (an internal error: run again with --debug)"
        return _failed(text, 1)
    return _failed(str(classified), classified.exit_code)


def _failed(message: str, exit_code: int) -> int:
    typer.secho(f"nca: {message}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
    return _report_as_json(message, exit_code)


def _report_as_json(message: str, exit_code: int) -> int:
    """Print an error as the last JSON line where those are asked for; return the exit code."""
    command, *options = sys.argv[1:] or [""]
    if command in _JSON_LINES and "--json" in options:
        from harness.progress.screen import JsonLines

        error = {"event": "error", "message": message, "exit_code": exit_code}
        JsonLines(sys.stdout).write(error)
    return exit_code


if __name__ == "__main__":
    main()

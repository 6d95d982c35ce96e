"""The command line: `nca`. Heavy imports stay inside the commands, so that --help is quick."""

import signal
import sys
import traceback
from typing import NoReturn

import typer

from harness.cli import data as cli_data
from harness.cli import doctor as cli_doctor
from harness.cli import journal as cli_journal
from harness.cli import pages as cli_pages
from harness.cli import results as cli_results
from harness.cli import runs as cli_runs
from harness.cli import suites as cli_suites
from harness.cli import tracking as cli_tracking
from harness.pipeline.environment import switch_off_telemetry

app = typer.Typer(
    name="nca",
    help="Train checkpoints with NCA, InfoNCA and DPO, evaluate them, and show which is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (cli_runs, cli_results, cli_pages, cli_tracking, cli_doctor):
    app.add_typer(commands.app)
app.add_typer(cli_suites.app, name="suites")
app.add_typer(cli_data.app, name="data")
app.add_typer(cli_journal.app, name="journal")

#: What typer gives back for Ctrl-C.
_INTERRUPTED = 130
#: Commands whose --json is a form of output, not a file.
_JSON_LINES = ("run", "train", "eval", "demo")


def main() -> None:
    """Entry point: every error leaves as one or two lines and an exit code."""
    switch_off_telemetry()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except Exception as error:  # the border: everything is classified here
        sys.exit(_explain(error))
    if code == _INTERRUPTED:
        said = "interrupted: what was finished is kept; run the same command again to go on"
        sys.exit(_failed(said, 1))
    sys.exit(code or 0)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """End like Ctrl-C: stages are interrupted, not orphaned."""
    raise KeyboardInterrupt


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
        return _told(error.format_message(), 2)
    known = classify(error)
    if known is None:
        said = f"{type(error).__name__}: {error} (a fault of ours: run again with --debug)"
        return _failed(said, 1)
    return _failed(str(known), known.exit_code)


def _failed(message: str, exit_code: int) -> int:
    typer.secho(f"nca: {message}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
    return _told(message, exit_code)


def _told(message: str, exit_code: int) -> int:
    """The exit code; where JSON lines are asked for, the error is the last of them."""
    command, *options = sys.argv[1:] or [""]
    if command in _JSON_LINES and "--json" in options:
        from harness.cli.output import tell_error

        tell_error(message, exit_code)
    return exit_code


if __name__ == "__main__":
    main()

"""The exceptions that the command line knows: one tree, classified at the border.

    HarnessError
    ├── UserError             exit 2: the user can mend it; the message says where and how
    │   ├── RecipeError       a recipe file, key or value
    │   ├── ModelError        a checkpoint folder or hub name
    │   ├── RunError          a run folder or result that is not there or not readable
    │   ├── EngineUnavailable an engine that this machine or suite cannot use
    │   └── StageBusy         another process works on this stage
    └── RunFailed             exit 1: the run failed; what was finished is kept
        ├── StageFailed       a stage's process ended badly
        ├── BudgetSpent       the judge may cost no more
        └── EngineDied        the engine is gone and restarting it did not help

The lower floors raise errors of their own (`train.DataError`, `eval_suites.DataError`, ...), all
of them `ValueError`s whose message names file, row and remedy. `classify` is the border.
"""

import errno


class HarnessError(Exception):
    """Anything the harness says on purpose."""

    exit_code = 1


class UserError(HarnessError):
    """The user can mend it."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe file, key or value is wrong."""


class ModelError(UserError):
    """A checkpoint folder or hub name cannot be used."""


class RunError(UserError):
    """A run folder or result is not there, or not readable."""


class EngineUnavailable(UserError):  # noqa: N818 - reads as what happened
    """This machine or suite cannot use the engine."""


class StageBusy(UserError):  # noqa: N818 - as above
    """Another process works on this stage."""


class RunFailed(HarnessError):  # noqa: N818 - as above
    """The run failed; what was finished is kept."""


class StageFailed(RunFailed):
    """A stage's process ended badly."""


class BudgetSpent(RunFailed):
    """The judge may cost no more."""


class EngineDied(RunFailed):
    """The engine is gone and restarting it did not help."""


_FULL = {errno.ENOSPC, errno.EDQUOT}


def disk_full(where: str = "") -> RunFailed:
    """Return the error of a full disk; `where` is the file or folder, where it is known."""
    at = f" at {where}" if where else ""
    return RunFailed(
        f"the disk is full{at}: free some space and run the same command again; "
        "what was finished is kept"
    )


def classify(error: BaseException) -> HarnessError | None:
    """Return the tree's word for an exception, or None for a fault of ours (a traceback is due).

    Args:
        error: anything that reached the border of a command or stage.
    """
    import sqlite3

    from eval_suites.errors import DataError as SuiteDataError
    from eval_suites.errors import SandboxError, UnknownSuiteError
    from train.errors import DataError as TrainDataError
    from train.errors import ProcessLostError, TrainError

    if isinstance(error, HarnessError):
        return error
    theirs = (SuiteDataError, UnknownSuiteError, SandboxError, TrainDataError, TrainError)
    if isinstance(error, theirs):
        return UserError(str(error))
    if isinstance(error, ProcessLostError):
        return RunFailed(str(error))
    # No SQLite error has a code where Python's own module raised it.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno in _FULL):
        return disk_full(str(getattr(error, "filename", None) or ""))
    if isinstance(error, PermissionError):
        return UserError(f"no permission for {error.filename}: choose another folder (--runs)")
    return None

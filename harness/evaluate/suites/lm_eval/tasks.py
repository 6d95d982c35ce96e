"""Tasks of lm-evaluation-harness: found by name in a folder of task files, or among its own.

lm-eval and its dependencies are imported inside functions: they are an extra. Its output while it
loads is kept from the screen.
"""

import contextlib
import difflib
import functools
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval_suites.errors import DataError, UnknownSuiteError
from harness.errors import UserError

#: lm-eval's own seeds: of the few-shot examples, of Python's and NumPy's generators.
_FEW_SHOT_SEED, _PYTHON_SEED, _NUMPY_SEED = 1234, 0, 1234


def load_task(name: str, folder: Path | None) -> Any:
    """Return a Task object of lm-eval with all its requests built (`instances`).

    `folder` holds task files (YAML); its tasks go before lm-eval's own.

    Raises:
        UserError: lm-eval is not installed, there is no such folder, or the task is of a kind
            that is not run here.
        eval_suites.UnknownSuiteError: no task has this name.
        eval_suites.DataError: its data cannot be had, or it cannot be made of its file.
    """
    if folder is not None and not folder.is_dir():
        raise UserError(f"{folder}: no such folder of lm-eval tasks (--lm-eval-tasks)")
    try:
        import lm_eval.tasks  # noqa: F401 - only a test of its presence
    except ImportError:
        raise UserError(
            "suites lm_eval:... need lm-evaluation-harness: pip install 'nca-harness[lm-eval]'"
        ) from None
    with _as_lm_eval_does():
        task = _made(name, _manager_of(name, folder))
        _refuse_unfit(name, task)
        task.set_fewshot_seed(_FEW_SHOT_SEED)
        try:
            task.build_all_requests()
        except Exception as error:
            raise DataError(
                f"lm_eval:{name}: its requests cannot be made: {_first_line(error)}"
            ) from error
    return task


@functools.cache
def _own() -> Any:
    """Return the index of lm-eval's own tasks: thousands of files, read in 5 s, once a process."""
    from lm_eval.tasks import TaskManager

    return TaskManager()


def _manager_of(name: str, folder: Path | None) -> Any:
    """Return the index that has a task; refuse a name that no index has."""
    from lm_eval.tasks import TaskManager

    if folder is not None:
        near = TaskManager(include_path=str(folder), include_defaults=False)
        if name in near.task_index:
            return _of_a_task(name, near)
        _refuse_broken(folder)
    if name in _own().task_index:
        return _of_a_task(name, _own())
    names = [*(near.all_subtasks if folder is not None else ()), *_own().all_subtasks]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f": did you mean {' or '.join(close)}?" if close else ""
    where = f"in {folder} or among" if folder is not None else "among"
    more = "" if folder is not None else " (--lm-eval-tasks names a folder of your own)"
    raise UnknownSuiteError(f"no task {name!r} is {where} lm-eval's own{more}{hint}")


def _of_a_task(name: str, manager: Any) -> Any:
    if name in manager.all_subtasks:
        return manager
    entry = manager.task_index[name]
    inside = sorted(entry.tags) or [str(task) for task in (entry.cfg or {}).get("task", ())]
    raise UserError(
        f"lm_eval:{name} is a group of tasks: name the tasks, with commas: "
        f"{', '.join(f'lm_eval:{task}' for task in inside[:3])}, ..."
    )


def _refuse_broken(folder: Path) -> None:
    """Refuse a folder with a file that lm-eval would silently leave out."""
    from lm_eval.tasks._yaml_loader import load_yaml

    for file in sorted(folder.rglob("*.yaml")):
        try:
            load_yaml(file, resolve_func=False)
        except Exception as error:
            raise DataError(f"{file}: lm-eval cannot read it: {_first_line(error)}") from error


def _made(name: str, manager: Any) -> Any:
    try:
        return manager.load([name])["tasks"][name]
    except OSError as error:
        raise DataError(
            f"lm_eval:{name}: its data cannot be had: {_first_line(error)}\n"
            "fetch it once where there is a network (then HF_HUB_OFFLINE=1 uses that copy), or "
            "name files of yours in the task: dataset_path: json, "
            "dataset_kwargs: {data_files: FILE}"
        ) from error
    except Exception as error:
        raise DataError(f"lm_eval:{name}: lm-eval cannot make it: {_first_line(error)}") from error


def _refuse_unfit(name: str, task: Any) -> None:
    repeats = task.config.repeats or 1
    reasons = {
        "it runs what the model wrote in this process": getattr(task, "UNSAFE_CODE", False),
        "it shows pictures or plays sounds": getattr(task, "MULTIMODAL", False),
        f"it asks for {repeats} answers a question (repeats)": repeats > 1,
    }
    for reason, holds in reasons.items():
        if holds:
            raise UserError(f"lm_eval:{name}: {reason}, which is not done here")


def _first_line(error: Exception) -> str:
    """Return the kind and the first line of the error that caused an error."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    first, *_ = [*str(error).strip().splitlines(), ""]
    return f"{type(error).__name__}: {first}"


@contextlib.contextmanager
def _as_lm_eval_does() -> Iterator[None]:
    """Seed the generators as lm-eval does, restore them, and drop bars and warnings."""
    import numpy as np

    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002 - lm-eval's
    random.seed(_PYTHON_SEED)
    np.random.seed(_NUMPY_SEED)  # noqa: NPY002 - as above
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002 - as above

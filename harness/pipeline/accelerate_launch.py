"""Several processes for one stage by `accelerate launch`, which leaves nothing behind.

    python -m harness.pipeline.accelerate_launch KIND resolved.json --processes N [--config FILE] <
    EVENTS

The launcher starts its processes in sessions of their own and passes on standard descriptors only.
So events come by the pipe on standard input, each process asks the kernel to end it with the
launcher, and the launcher itself ends with whoever started it.
"""

import argparse
import shutil
import sys
import traceback
from pathlib import Path

from harness.pipeline.processes import end_with_parent
from harness.progress.events import PipeReporter

_EVENTS = 0


def main(arguments: list[str] | None = None) -> int:
    """Run a stage in several processes; return 1 where one of them failed and reported why."""
    parser = argparse.ArgumentParser(prog="harness.pipeline.accelerate_launch")
    parser.add_argument("kind")
    parser.add_argument("resolved", type=Path)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args(arguments)
    end_with_parent()
    logs = options.resolved.parent / "launch"
    try:
        from accelerate.commands.launch import launch_command, launch_command_parser

        launch_command(launch_command_parser().parse_args(_accelerate_arguments(options, logs)))
    except Exception as error:  # the border; a process that failed has said so itself
        return _failed(error, options.config)
    finally:
        shutil.rmtree(logs, ignore_errors=True)
    return 0


def _accelerate_arguments(options: argparse.Namespace, logs: Path) -> list[str]:
    """Return the arguments of `accelerate launch`: its configuration, a free port, the stage."""
    how = ["--multi_gpu"] if options.config is None else ["--config_file", str(options.config)]
    return [
        *how,
        *("--num_processes", str(options.processes)),
        *("--main_process_port", "0"),
        *("--log_dir", str(logs)),
        *("--module", "harness.stage", options.kind, str(options.resolved)),
        *("--events", str(_EVENTS)),
    ]


def _failed(error: Exception, config: Path | None) -> int:
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    traceback.print_exc()
    if not isinstance(error, (ChildFailedError, SignalException)):
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"{config or 'launch'}: accelerate cannot start the processes: {first}"
        PipeReporter(_EVENTS)({"event": "error", "message": message, "exit_code": 2})
    return 1


if __name__ == "__main__":
    sys.exit(main())

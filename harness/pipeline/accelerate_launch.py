"""Several processes for one stage by `accelerate launch`, which leaves nothing behind.

    python -m harness.pipeline.accelerate_launch ARGUMENTS... --log_dir FOLDER < EVENTS

The launcher starts its processes in sessions of their own and passes on standard descriptors only.
So events come by the pipe on standard input, each process asks the kernel to end it with the
launcher, and the launcher itself ends with whoever started it.
"""

import shutil
import sys
import traceback

from harness.pipeline.processes import end_with_parent
from harness.progress.events import PipeReporter


def main(arguments: list[str] | None = None) -> int:
    """Launch what accelerate's own arguments say; return 1 where that failed and reported why."""
    end_with_parent()
    from accelerate.commands.launch import launch_command, launch_command_parser

    options = launch_command_parser().parse_args(arguments)
    try:
        launch_command(options)
    except Exception as error:  # the border; a process that failed has said so itself
        from torch.distributed.elastic.multiprocessing import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

        traceback.print_exc()
        if not isinstance(error, (ChildFailedError, SignalException)):
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            where = options.config_file or "launch"
            message = f"{where}: accelerate cannot start the processes: {first}"
            PipeReporter(0)({"event": "error", "message": message, "exit_code": 2})
        return 1
    finally:
        shutil.rmtree(options.log_dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

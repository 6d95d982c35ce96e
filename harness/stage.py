"""The door to `harness.pipeline.worker`: `python -m harness.stage KIND resolved.json`."""

import sys

from harness.pipeline.worker import main

if __name__ == "__main__":
    sys.exit(main())

"""`nca dashboard`: serve a folder until it is interrupted."""

import contextlib
import webbrowser
from pathlib import Path

from harness.errors import UserError
from harness.report.dashboard.server import listen
from harness.report.dashboard.view import View


def dashboard(folder: Path, port: int | None, *, browser: bool) -> None:
    """Serve a folder's dashboard; returns when it is interrupted.

    Args:
        folder: where runs, results and reports lie.
        port: to listen on; None: the usual one, or the next free one.
        browser: whether to open it in a browser.

    Raises:
        UserError: there is no such folder, or the port cannot be used.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no folder there; name that of your runs: nca dashboard DIR")
    view = View(folder, str(folder))
    with listen(folder, view, port) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"{folder} is shown at {server.url} (this machine only); Ctrl-C ends it", flush=True)
        if browser:
            webbrowser.open(server.url)
        server.serve_forever()

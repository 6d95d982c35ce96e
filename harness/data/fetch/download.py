"""One file over HTTP: gone on with where a part of it is here, asked again while that may help."""

import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import cast
from urllib.error import HTTPError

from harness.errors import UserError

_CHUNK = 2**16
_LONGEST_WAIT_S = 60.0
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class Unreachable(UserError):  # noqa: N818 - reads as what happened
    """Nobody answers, or not to the end, however often we ask."""


class Refused(UserError):  # noqa: N818 - as above
    """The server has no such file for us, or another one than the manifest states."""


class Lost(Exception):  # noqa: N818 - as above
    """This try failed; another may not. `after_s` is how long the server asks us to wait."""

    def __init__(self, reason: object, after_s: float = 0.0) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits on trying again.

    Attributes:
        tries: in a row that bring nothing new.
        backoff_s: wait in seconds; it doubles with each try in a row, up to a minute.
        timeout_s: how long a server may be silent, in seconds.
    """

    tries: int = 5
    backoff_s: float = 0.5
    timeout_s: float = 30.0


def download(url: str, part: Path, patience: Patience) -> None:
    """Bring a file to the whole of what lies at an address.

    What `part` holds already is taken for the beginning and not asked for again where the server
    knows ranges. Nobody checks here that it is: the caller compares the sum of the whole.

    Raises:
        Refused: the server does not have the file; asking again would not help.
        Unreachable: it cannot be had now; what came of it is kept in `part`.
    """
    if not url.startswith(("http://", "https://")):
        raise Refused(f"{url}: only http and https addresses can be downloaded; see --base-url")
    failed, most = 0, _size(part)
    while True:
        try:
            return _go_on(url, part, patience.timeout_s)
        except Lost as lost:
            failed = 0 if _size(part) > most else failed + 1
            most = max(most, _size(part))
            if failed >= patience.tries:
                raise Unreachable(
                    f"{url} cannot be had ({lost}): check the connection, or name a mirror with "
                    "--base-url; what was fetched is kept, the same command goes on"
                ) from lost
            doubled = min(_LONGEST_WAIT_S, patience.backoff_s * 2.0**failed)
            # Half to all of it; which, follows from the address and the number of tries.
            backoff_s = doubled * random.Random(f"{url} {failed}").uniform(0.5, 1.0)
            time.sleep(max(lost.after_s, backoff_s))


def _go_on(url: str, part: Path, timeout_s: float) -> None:
    """Try once; raise `Lost` where the connection ends before the file does."""
    received = 0
    with _open(url, _size(part), timeout_s) as answer, part.open("ab") as file:
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            file.truncate(0)  # the whole file comes
        while chunk := _read(answer):
            file.write(chunk)
            file.flush()  # so that a killed run has it
            received += len(chunk)
        length = answer.headers.get("Content-Length")
    if length is not None and received != int(length):
        raise Lost(f"the connection ended after {received} of {length} bytes")


def _open(url: str, begun: int, timeout_s: float) -> HTTPResponse:
    """Return the answer, from byte `begun` on where its status says so."""
    # The address comes from the manifest or the user, and `download` has looked at its scheme.
    request = urllib.request.Request(url)  # noqa: S310
    if begun:
        request.add_header("Range", f"bytes={begun}-")
    with _network(url):
        try:
            answer = urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310
        except HTTPError as error:
            error.close()
            if not begun or error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            return _open(url, 0, timeout_s)
    return cast("HTTPResponse", answer)


def _read(answer: HTTPResponse) -> bytes:
    with _network(str(answer.geturl())):
        return answer.read1(_CHUNK)


@contextmanager
def _network(url: str) -> Iterator[None]:
    """Raise what goes wrong between us and the server as `Lost` or `Refused`."""
    try:
        yield
    except HTTPError as error:
        status = f"{error.code} {error.reason}"
        if error.code in _BUSY or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            after = (error.headers.get("Retry-After") or "") if error.headers else ""
            after_s = min(float(after), _LONGEST_WAIT_S) if after.isdecimal() else 0.0
            raise Lost(status, after_s) from error
        raise Refused(
            f"{url}: {status}; see whether the repository still has it, or name a mirror with "
            "--base-url"
        ) from error
    except (OSError, HTTPException) as error:
        raise Lost(getattr(error, "reason", error)) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

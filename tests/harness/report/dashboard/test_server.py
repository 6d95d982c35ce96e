"""Real requests to a real server: what it gives, and what it refuses."""

import http.client
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.dashboard.server import HOST, PORT, Server, listen
from harness.report.dashboard.view import View

from .folders import PAGE, recipe, save, scored


class Reply:
    def __init__(self, reply: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = reply.status, reply.headers, reply.read()


def ask(server: Server, path: str, method: str = "GET", host: str | None = None) -> Reply:
    """Ask for a path as it is written here: nothing is encoded or made shorter."""
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=30)
    connection.putrequest(method, path, skip_host=host is not None)
    if host:
        connection.putheader("Host", host)
    connection.endheaders()
    reply = Reply(connection.getresponse())
    connection.close()
    return reply


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_the_page_and_its_parts(tmp_path: Path, server: Server) -> None:
    save(tmp_path / "run" / "result.json", scored({"base": 20}))
    page = ask(server, "/")
    assert page.status == 200
    assert b"Leaderboard" in page.body
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]

    parts = json.loads(ask(server, "/live").body)["parts"]
    assert sorted(parts) == ["board", "runs", "status", "unread", "work"]
    have = "&".join(f"have={part['print']}" for part in parts.values())
    assert json.loads(ask(server, f"/live?{have}").body) == {"parts": {}, "more": False}
    recipe(tmp_path / "new")
    changed = json.loads(ask(server, f"/live?{have}").body)["parts"]
    assert sorted(changed) == ["runs", "status", "work"]


def test_head_has_the_headers_and_no_body(tmp_path: Path, server: Server) -> None:
    (tmp_path / "a.json").write_text("{}")
    for path in ("/", "/files/a.json"):
        head, full = ask(server, path, "HEAD"), ask(server, path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == str(len(full.body))


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
)
def test_nothing_but_reading_is_done(server: Server, method: str) -> None:
    reply = ask(server, "/", method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example:80",
        "evil.example@127.0.0.1", "127.0.0.2", "0.0.0.0:8765", "", ":8765", "[::2]:1",
    ],
)  # fmt: skip
def test_a_name_that_is_not_loopback_s_is_refused(
    tmp_path: Path, server: Server, host: str
) -> None:
    (tmp_path / "a.json").write_text('"secret"')
    for path in ("/", "/live", "/files/a.json"):
        reply = ask(server, path, host=host or " ")
        assert reply.status == 403
        assert b"secret" not in reply.body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]", "[::1]:9"])
def test_every_name_of_loopback_is_answered_also_through_a_tunnel(
    server: Server, host: str
) -> None:
    assert ask(server, "/", host=host).status == 200


def test_no_host_and_two_hosts_are_refused(server: Server) -> None:
    for hosts in ("", "Host: localhost\r\nHost: evil.example\r\n"):
        with socket.create_connection((HOST, server.server_port), timeout=30) as connection:
            connection.sendall(f"GET / HTTP/1.0\r\n{hosts}\r\n".encode())
            assert b" 403 " in connection.recv(100)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.json", "run/../../secret.json", "%2e%2e/secret.json", "..%2fsecret.json",
        "%2e%2e%2fsecret.json", "run/..%5c..%5csecret.json", "%252e%252e/secret.json",
        "/etc/passwd", "%2fetc%2fpasswd", "link.json", "linked/secret.json", "run//a.json",
        "./run/a.json", "run/a.json/", "run/a.json%00.html", "run", "", ".hidden/a.json",
        "run/.hidden.json", "hop.json", "%ff.json", "circle.json", "x" * 5000 + ".json",
    ],
)  # fmt: skip
def test_nothing_is_served_that_lies_elsewhere_or_is_hidden(
    tmp_path: Path, server_below: Callable[[Path], Server], path: str
) -> None:
    root = tmp_path / "root"
    for name in ("run/a.json", ".hidden/a.json", "run/.hidden.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('"fine"')
    (tmp_path / "secret.json").write_text('"secret"')
    (root / "link.json").symlink_to(tmp_path / "secret.json")
    (root / "linked").symlink_to(tmp_path)
    (root / "hop.json").symlink_to(root / ".hidden" / "a.json")
    (root / "circle.json").symlink_to(root / "circle.json")
    server = server_below(root)
    assert ask(server, "/files/run/a.json").body == b'"fine"'

    reply = ask(server, f"/files/{path}")

    assert reply.status == 404
    assert b"secret" not in reply.body
    assert b"fine" not in reply.body


@pytest.mark.parametrize(
    "name", ["stage.log", "journal.sqlite", "model.safetensors", "a.js", "a.yaml", "a.jsonl", "a"]
)
def test_other_kinds_of_files_are_not_served(tmp_path: Path, server: Server, name: str) -> None:
    (tmp_path / name).write_text("secret")
    assert ask(server, f"/files/{name}").status == 404


def test_what_reports_are_made_of_is_served_and_may_ask_for_nothing(
    tmp_path: Path, server: Server
) -> None:
    kinds = {
        "a page.HTML": "text/html; charset=utf-8",
        "a.svg": "image/svg+xml",
        "a.png": "image/png",
        "a.csv": "text/plain; charset=utf-8",
        "a.md": "text/plain; charset=utf-8",
        "ü.json": "application/json",
    }
    for name, kind in kinds.items():
        (tmp_path / name).write_text(PAGE)
        encoded = name.replace(" ", "%20").replace("ü", "%C3%BC")
        reply = ask(server, f"/files/{encoded}")
        assert (reply.status, reply.headers["Content-Type"]) == (200, kind)
        assert reply.body.decode() == PAGE
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "connect-src" not in policy
        assert ("script-src" in policy) == (kind.startswith("text/html"))
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_names_that_are_no_text_and_times_of_no_calendar_are_shown(
    tmp_path: Path, server: Server
) -> None:
    odd = os.fsdecode(b"odd \xff")
    save(tmp_path / odd / "result.json", scored({"base": 20}))
    os.utime(tmp_path / odd / "result.json", (2**45, 2**45))
    (tmp_path / odd / "report").mkdir()
    (tmp_path / odd / "report" / "index.html").write_text(PAGE)
    page = ask(server, "/").body.decode()
    assert "odd ⟨U+DCFF⟩" in page
    assert 'href="files/odd%20%FF/report/index.html"' in page
    assert ask(server, "/files/odd%20%FF/report/index.html").body.decode() == PAGE


@pytest.mark.parametrize("path", ["http://[::1", "//[", "/%", "/?%", "/live?have=%00&have"])
def test_an_address_that_cannot_be_read_ends_nothing(server: Server, path: str) -> None:
    assert ask(server, path, host="localhost").status in (200, 404)
    assert ask(server, "/").status == 200


def test_a_port_that_is_taken_is_named_and_the_usual_one_gives_way_to_the_next(
    tmp_path: Path,
) -> None:
    view = View(tmp_path, "runs")
    first = listen(tmp_path, view, 0)
    with first, pytest.raises(UserError, match=f"port {first.server_port} is taken"):
        listen(tmp_path, view, first.server_port)
    with listen(tmp_path, view, None) as one, listen(tmp_path, view, None) as two:
        assert PORT <= one.server_port < two.server_port

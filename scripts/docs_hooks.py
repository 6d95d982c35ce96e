"""Hooks of MkDocs (mkdocs.yml) that build the documentation.

The command-line reference is generated from the typer app: a page for each command of `nca` below
`reference/commands/`, listed in the navigation. Nothing is written to docs/. A page that would
fetch anything from a server fails the build.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from harness.cli.main import app

FOLDER = "reference/commands/"
_INTRODUCTION = """\
# Command line

`nca COMMAND --help` prints the same in a terminal. [Exit codes](../events.md#exit-codes) are 0, 1
and 2.

| Command | Description |
| --- | --- |"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages of the commands where the navigation names their folder."""
    pages = [f"{FOLDER}{name}.md" for name in ("index", *_commands())]
    config.nav = _with_pages(config.nav, pages)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the overview and a page for each command."""
    pages = {"index": _overview()}
    pages |= {name: _page(name, command) for name, command in _commands().items()}
    for name, text in pages.items():
        files.append(File.generated(config, f"{FOLDER}{name}.md", content=text))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - a hook
    """Raise PluginError where a page asks a server for a script, a style, a picture or a font."""
    outside = re.findall(r'<(?:script|link|img|iframe)\b[^>]*="(https?://[^"]+)"', output)
    if outside:
        raise PluginError(f"{page.file.src_uri} would fetch {', '.join(outside)}")
    return output


def _commands() -> Mapping[str, Any]:
    return typer.main.get_group(app).commands


def _with_pages(nav: Any, pages: list[str]) -> Any:
    """Return the navigation with the folder of the commands replaced by its pages."""
    if isinstance(nav, list):
        return [_with_pages(item, pages) for item in nav]
    if isinstance(nav, dict):
        return {title: _with_pages(item, pages) for title, item in nav.items()}
    return pages if nav == FOLDER else nav


def _overview() -> str:
    rows = [f"| [`nca {name}`]({name}.md) | {c.help} |" for name, c in _commands().items()]
    return "\n".join([_INTRODUCTION, *rows, ""])


def _page(name: str, command: Any) -> str:
    return "\n".join(["---", f"title: {name}", "---", "", *_lines(f"nca {name}", command, 1)])


def _lines(path: str, command: Any, level: int) -> Iterator[str]:
    """Yield the Markdown of a command and of the commands below it."""
    context = typer.Context(command, info_name=path)
    yield from (f"{'#' * level} nca {path.removeprefix('nca ')}", "", command.help or "", "")
    yield from (f"    {' '.join([path, *command.collect_usage_pieces(context)])}", "")
    yield from _table(command, context)
    for name, below in getattr(command, "commands", {}).items():
        yield from _lines(f"{path} {name}", below, level + 1)


def _table(command: Any, context: typer.Context) -> Iterator[str]:
    records = [p.get_help_record(context) for p in command.get_params(context)]
    rows = [(names, text) for names, text in filter(None, records) if names != "--help"]
    if rows:
        yield from ("| Argument or option | Meaning |", "| --- | --- |")
        yield from (f"| `{names}` | {text.replace('|', chr(92) + '|')} |" for names, text in rows)
        yield ""

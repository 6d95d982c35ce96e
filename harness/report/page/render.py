"""Templates to pages: escaped, whole in one file, and without a request to anywhere.

A package that has pages keeps them in its folder `templates`, scripts and styles in `assets`.
Its templates extend `page/base.html`.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.page.text import embedded, visible

_OURS = "harness.report.page"


@dataclass(frozen=True, slots=True)
class Asset:
    """A script or a style that goes into a page: the file `assets/<name>` of a package."""

    package: str
    name: str

    @property
    def text(self) -> str:
        """The file's text."""
        return files(self.package).joinpath("assets", self.name).read_text(encoding="utf-8")


STYLE = Asset(_OURS, "style.css")
THEME = Asset(_OURS, "theme.js")


def environment(package: str) -> Environment:
    """Templates of a package, and those that all pages share; all that is put in is escaped.

    A name that a template needs and is not given is an error. Characters that act or hide are
    made visible. The filter `embedded` writes JSON for a script element.
    """
    own = PackageLoader(package), PackageLoader(_OURS)
    found = Environment(
        loader=ChoiceLoader(own),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["embedded"] = embedded
    return found


def page(
    templates: Environment,
    name: str,
    *,
    scripts: Sequence[Asset] = (),
    styles: Sequence[Asset] = (),
    connect: bool = False,
    **values: Any,
) -> str:
    """A whole page from a template that extends `page/base.html`.

    Args:
        templates: what `environment` gave.
        name: the template.
        scripts: run in this order after the page's own theme switch.
        styles: behind the look that all pages share.
        connect: whether scripts may ask the page's own server; else no request leaves the page.
        **values: what the template is given, `title` among them.
    """
    texts = [_inline(asset) for asset in (THEME, *scripts)]
    return templates.get_template(name).render(
        policy=_policy(texts, connect=connect),
        styles=[_inline(asset) for asset in (STYLE, *styles)],
        scripts=texts,
        **values,
    )


def _inline(asset: Asset) -> Markup:
    return Markup(asset.text)  # noqa: S704 - our own file


def _policy(scripts: Sequence[str], *, connect: bool) -> str:
    """A policy under which these scripts alone run, and nothing is fetched from elsewhere."""
    parts = [
        "default-src 'none'",
        f"script-src {' '.join(map(_source, scripts))}",
        "style-src 'unsafe-inline'",
        "img-src data:",
        *(["connect-src 'self'"] if connect else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(parts)


def _source(script: str) -> str:
    found = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(found).decode()}'"


def _finalized(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

"""The rendering of templates to self-contained pages, which are escaped and request nothing.

A package with pages keeps templates in its folder `templates`, scripts and styles in `assets`.
The templates extend `page/base.html`.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.page.text import visible

_OURS = "harness.report.page"


@dataclass(frozen=True, slots=True)
class Asset:
    """A script or style sheet of a page: the file `assets/<name>` of a package."""

    package: str
    name: str

    @property
    def text(self) -> Markup:
        """Return the text of the file, which needs no escaping as it is ours."""
        file = files(self.package).joinpath("assets", self.name)
        return Markup(file.read_text(encoding="utf-8"))  # noqa: S704


STYLE = Asset(_OURS, "style.css")
THEME = Asset(_OURS, "theme.js")


def environment(package: str) -> Environment:
    """Return the templates of a package and the shared ones, with escaping.

    A missing template value is an error. Invisible characters are made visible.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_OURS)]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def page(
    templates: Environment,
    name: str,
    *,
    scripts: Sequence[Asset] = (),
    styles: Sequence[Asset] = (),
    connect: bool = False,
    **values: Any,
) -> str:
    """Render a whole page from the template `name`, which extends `page/base.html`.

    Scripts run in this order after the theme switch; style sheets come after the shared one.
    `connect` allows scripts to request data from the page's own server, and nothing else. `values`
    are those of the template, including `title`.
    """
    texts = [asset.text for asset in (THEME, *scripts)]
    return templates.get_template(name).render(
        policy=_policy(texts, connect=connect),
        styles=[asset.text for asset in (STYLE, *styles)],
        scripts=texts,
        **values,
    )


def _policy(scripts: Sequence[str], *, connect: bool) -> str:
    """Return a content policy that allows these scripts only, and no foreign request."""
    checksums = [hashlib.sha256(script.encode()).digest() for script in scripts]
    sources = [f"'sha256-{base64.b64encode(checksum).decode()}'" for checksum in checksums]
    parts = [
        "default-src 'none'",
        f"script-src {' '.join(sources)}",
        "style-src 'unsafe-inline'",
        "img-src data:",
        *(["connect-src 'self'"] if connect else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(parts)


def _finalized(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

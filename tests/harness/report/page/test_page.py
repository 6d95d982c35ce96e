"""Pages: what others wrote stays text, and equal input gives equal bytes."""

import re

import pytest
from jinja2 import UndefinedError
from markupsafe import escape

from harness.report.page.render import THEME, environment, page
from harness.report.page.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("dos\r\nline", "dos\nline"),
        ("nul\x00byte", "nul␀byte"),
        ("bell\x07 delete\x7f", "bell␇ delete␡"),
        ("next\x85line", "next⟨U+0085⟩line"),
        ("abc\u202edef\u2066", "abc⟨U+202E⟩def⟨U+2066⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("lone\ud800 surrogate", "lone⟨U+D800⟩ surrogate"),
        ("line\u2028separator", "line⟨U+2028⟩separator"),
        ("naïve 数学 😀", "naïve 数学 😀"),
    ],
)
def test_what_acts_or_hides_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_text_of_others_is_escaped_and_shown_in_a_template() -> None:
    template = environment("harness.report.page").from_string("<p>{{ said }}</p>")
    said = "<script>alert(1)</script>\x00 \u202e"
    assert template.render(said=said) == f"<p>{escape('<script>alert(1)</script>␀ ⟨U+202E⟩')}</p>"


def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="missing"):
        environment("harness.report.page").from_string("{{ missing }}").render()


def test_a_page_is_whole_in_itself_and_allows_its_own_scripts_alone() -> None:
    templates = environment("harness.report.page")
    text = page(templates, "page/base.html", title="A <title>")
    assert text == page(templates, "page/base.html", title="A <title>")
    assert "<title>A &lt;title&gt;</title>" in text
    assert THEME.text in text
    assert not re.search(r"(src|href)=\"(?!#)", text)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert "default-src &#39;none&#39;" in policy
    assert "connect-src" not in policy
    assert "script-src &#39;sha256-" in policy
    asking = page(templates, "page/base.html", title="", connect=True)
    assert "connect-src &#39;self&#39;" in asking

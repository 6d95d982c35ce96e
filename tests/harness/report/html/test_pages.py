"""The pages in a real browser, opened from disk."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.report.html.build import build
from harness.report.html.material import gather, source
from harness.storage.result import Result

from .made import HOSTILE, LONG


def go(tab: Page, report: Path, name: str = "index.html", fragment: str = "") -> None:
    tab.goto(f"file://{report / name}{fragment}")
    if not name.startswith("checkpoint"):
        tab.wait_for_selector("html[data-ready]", state="attached")


def order(tab: Page) -> list[str]:
    return tab.eval_on_selector_all(
        "#leaderboard-table tbody tr", "rows => rows.map(row => row.dataset.name)"
    )


def listed(tab: Page) -> list[str]:
    return tab.eval_on_selector_all("#list .row", "rows => rows.map(row => row.dataset.sample)")


def test_the_first_page_tells_in_the_order_that_was_asked_for(tab: Page, report: Path) -> None:
    go(tab, report)
    found = tab.eval_on_selector_all("main > section", "all => all.map(one => one.id)")
    assert found == ["verdict", "leaderboard", "forest", "categories", "trends", "kl", "provenance"]
    expect(tab.locator("#verdict-text")).to_contain_text("significantly")
    expect(tab.locator("#provenance")).to_contain_text("print-nca")
    expect(tab.locator("#provenance")).to_contain_text("feedc0de")
    expect(tab.locator("#provenance pre")).to_contain_text("# <b>bold</b>", use_inner_text=False)
    assert (report / "index.html").stat().st_size <= 400_000


def test_every_column_sorts_both_ways_and_a_link_keeps_it(tab: Page, report: Path) -> None:
    go(tab, report)
    assert order(tab) == ["base", "dpo", "nca"]
    head = tab.locator("th[data-suite='maths']")
    head.get_by_role("button").click()
    assert order(tab) == ["nca", "dpo", "base"]
    assert head.get_attribute("aria-sort") == "descending"
    tab.reload()
    tab.wait_for_selector("html[data-ready]", state="attached")
    assert order(tab) == ["nca", "dpo", "base"]
    head.get_by_role("button").click()
    assert order(tab) == ["base", "dpo", "nca"]
    assert head.get_attribute("aria-sort") == "ascending"
    far = tab.locator("th[data-suite='kl:maths']").get_by_role("button")
    far.focus()
    tab.keyboard.press("Enter")  # less is first where more is not better
    assert order(tab) == ["base", "nca", "dpo"]
    for _ in range(2):
        tab.keyboard.press("Enter")
    assert order(tab) == ["base", "dpo", "nca"]


def test_another_baseline_changes_differences_verdict_links_and_plots(
    tab: Page, report: Path
) -> None:
    go(tab, report)
    cell = tab.locator("tr[data-name='nca'] td").first
    expect(cell.locator(".delta")).to_contain_text("+41.7")  # 9 of 12 against 4 of 12
    expect(cell.locator(".counts")).to_have_text("▲ 5 ▼ 0")
    tab.select_option("#baseline", "dpo")
    expect(cell.locator(".delta")).to_contain_text("+25.0")
    expect(cell.locator(".counts")).to_have_text("▲ 3 ▼ 0")
    expect(tab.locator("tr[data-name='dpo'] .delta")).to_have_count(0)
    expect(tab.locator("tr[data-name='dpo'] .badge")).to_be_visible()
    expect(tab.locator("#verdict-text")).to_contain_text("significantly from dpo")
    marked = tab.locator(".forest[data-suite='maths'] .entry.base")
    assert marked.get_attribute("data-checkpoint") == "dpo"
    line = tab.locator(".forest[data-suite='maths'] .base-line").get_attribute("transform")
    assert line == f"translate({marked.get_attribute('data-x')} 0)"
    tab.reload()
    expect(tab.locator("#baseline")).to_have_value("dpo")
    expect(cell.locator(".counts")).to_have_text("▲ 3 ▼ 0")


def test_three_clicks_lead_to_what_dpo_got_wrong_and_nca_right(tab: Page, report: Path) -> None:
    go(tab, report)
    tab.locator("tr[data-name='nca'] td a.score").first.click()
    tab.wait_for_selector("html[data-ready]", state="attached")
    tab.select_option("#b", "dpo")
    tab.get_by_role("button", name="nca right, dpo wrong 3").click()
    assert listed(tab) == ["1", "9", "10"]
    expect(tab.locator("#count")).to_have_text("3 of 12 samples: nca right, dpo wrong")
    expect(tab.locator("section[data-checkpoint='nca']")).to_contain_text("nca says")


def test_a_count_of_the_leaderboard_leads_straight_to_its_samples(tab: Page, report: Path) -> None:
    go(tab, report, fragment="#baseline=dpo")
    tab.locator("tr[data-name='nca'] td .counts a").first.click()
    tab.wait_for_selector("html[data-ready]", state="attached")
    assert listed(tab) == ["1", "9", "10"]


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ("up", ["1", "9", "10"]),
        ("down", []),
        ("both", ["0", "2", "3", "6", "7", "11"]),
        ("neither", ["4", "5", "8"]),
    ],
)
def test_the_four_cells_hold_their_samples(
    tab: Page, report: Path, cell: str, ids: list[str]
) -> None:
    go(tab, report, "suite-maths.html", "#a=nca&b=dpo")
    button = tab.locator(f"button[data-cell='{cell}']")
    expect(button.locator("b")).to_have_text(str(len(ids)))
    button.click()
    assert listed(tab) == ids
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    assert len(listed(tab)) == 12


def test_graded_suites_are_filtered_by_above_and_below(tab: Page, report: Path) -> None:
    go(tab, report, "suite-mt_bench.html", "#a=nca&b=base&cell=same")
    assert listed(tab) == ["2"]
    tab.get_by_role("button", name="nca above base 3").click()
    assert listed(tab) == ["0", "1", "3"]
    tab.click("#swap")
    expect(tab.locator("#count")).to_have_text("0 of 4 samples: base above nca")
    expect(tab.locator("#sample")).to_contain_text("No sample matches the filters.")


def test_a_status_and_a_search_filter_too_and_a_link_keeps_them(tab: Page, report: Path) -> None:
    go(tab, report, "suite-maths.html", "#a=nca&b=dpo")
    tab.select_option("#status", "a:truncated")
    assert listed(tab) == ["4"]
    tab.click("#clear")
    tab.keyboard.press("/")
    tab.keyboard.type("QUESTION 1")
    expect(tab.locator("#count")).to_have_text("3 of 12 samples")
    assert listed(tab) == ["1", "10", "11"]
    tab.reload()
    tab.wait_for_selector("html[data-ready]", state="attached")
    expect(tab.locator("#search")).to_have_value("QUESTION 1")
    assert listed(tab) == ["1", "10", "11"]
    tab.focus("#search")
    tab.keyboard.press("Escape")
    expect(tab.locator("#count")).to_have_text("12 of 12 samples")
    tab.keyboard.press("ArrowDown")  # the list has the keyboard
    expect(tab.locator("#sample h2 code")).to_have_text("2")  # the one after 1


def test_a_link_to_a_sample_shows_it_again(tab: Page, report: Path) -> None:
    go(tab, report, "suite-maths.html", "#a=nca&b=dpo&cell=up&s=9")
    expect(tab.locator("#sample h2 code")).to_have_text("9")
    tab.click("#link")
    expect(tab.locator("#count")).to_have_text("12 of 12 samples")
    expect(tab.locator("#sample h2 code")).to_have_text("9")
    assert re.search(r"#a=nca&b=dpo&s=9$", tab.url)
    tab.reload()
    expect(tab.locator("#sample h2 code")).to_have_text("9")
    expect(tab.locator("#list .row[aria-selected='true'] .id")).to_have_text("9")


def test_the_keyboard_walks_the_list(tab: Page, report: Path) -> None:
    go(tab, report, "suite-maths.html", "#s=0")
    tab.focus("#list")
    for key, sample in (("ArrowDown", "1"), ("End", "11"), ("ArrowUp", "10"), ("Home", "0")):
        tab.keyboard.press(key)
        expect(tab.locator("#sample h2 code")).to_have_text(sample)
        expect(tab.locator("#list")).to_have_attribute("aria-activedescendant", re.compile("row-"))


def test_a_sample_has_all_turns_replies_and_counts(tab: Page, report: Path) -> None:
    go(tab, report, "suite-mt_bench.html", "#a=nca&b=dpo&s=1")
    expect(tab.locator(".prompt")).to_contain_text("Write 1.")
    card = tab.locator("section[data-checkpoint='nca']")
    for text in ("nca wrote 1", "Now shorter.", "nca short 1", "Turn 2. Rating: [[8]]"):
        expect(card).to_contain_text(text)
    expect(card).to_contain_text("ended: stop · 8 tokens")
    expect(card.locator(".extracted")).to_have_text("read 1")
    expect(card.get_by_text("Write 1.")).to_have_count(0)  # said once, above
    assert tab.locator(".card").count() == 3


def test_the_difference_of_two_answers_is_shown_word_by_word(tab: Page, report: Path) -> None:
    go(tab, report, "suite-mt_bench.html", "#a=nca&b=dpo&s=1")
    tab.click("#diff")
    texts = tab.locator("#difference pre")
    assert texts.nth(0).inner_html() == "<del>nca</del><ins>dpo</ins><span> wrote 1</span>"
    tab.reload()
    expect(tab.locator("#difference")).to_be_visible()
    tab.click("#diff")
    expect(tab.locator("#difference")).to_have_count(0)


def test_every_sample_leads_to_its_checkpoint_and_that_to_training_and_data(
    tab: Page, report: Path
) -> None:
    go(tab, report, "suite-maths.html")
    tab.locator(".card h3 a", has_text="nca").click()
    expect(tab.locator("h1")).to_have_text("nca")
    expect(tab.locator("#training svg.chart:not(.key)")).to_have_count(2)
    expect(tab.locator("#settings")).to_contain_text("beta")
    expect(tab.locator("#data")).to_contain_text("pairs.jsonl")
    tab.locator("#scores a", has_text="mt_bench").click()
    tab.wait_for_selector("html[data-ready]", state="attached")
    expect(tab.locator("#a")).to_have_value("nca")


@pytest.mark.parametrize("sample", range(len(HOSTILE)))
def test_hostile_text_stays_text(tab: Page, report: Path, sample: int) -> None:
    go(tab, report, "suite-maths.html", f"#a=nca&b=dpo&s={sample}&diff=1")
    expect(tab.locator("#sample h2 code")).to_have_text(str(sample))
    inside = "#sample :is(script, img, svg, iframe, link, table, b, style)"
    assert tab.locator(inside).count() == 0
    assert tab.evaluate("window.hit") is None
    shown = tab.locator("section[data-checkpoint='nca'] pre.answer").inner_text()
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)
    if HOSTILE[sample].isprintable() and HOSTILE[sample] != LONG:
        assert HOSTILE[sample] in shown
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_hides_is_shown(tab: Page, report: Path) -> None:
    go(tab, report, "suite-maths.html", "#s=4")
    answer = tab.locator("section[data-checkpoint='nca'] pre.answer")
    expect(answer).to_contain_text("right⟨U+202E⟩to left⟨U+2066⟩ marks⟨U+200B⟩")
    go(tab, report, "suite-maths.html", "#s=5")
    expect(answer).to_contain_text("null␀ bell␇ escape␛[31m")
    go(tab, report, "suite-maths.html", "#s=11")
    expect(answer).to_contain_text("lone ⟨U+D800⟩ surrogate")


@pytest.mark.parametrize("name", ["index.html", "suite-maths.html", "checkpoint-nca.html"])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_screen_never_scrolls_sideways(
    tab: Page, report: Path, name: str, width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 700})
    go(tab, report, name)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("system", ["light", "dark"])
def test_dark_and_light_follow_the_system_until_the_button_says_otherwise(
    chromium: Browser, report: Path, system: str
) -> None:
    other = {"light": "dark", "dark": "light"}[system]
    with chromium.new_context(color_scheme=system) as context:
        # Where a page may keep nothing (inside MLflow's frame), the switch works all the same.
        context.add_init_script(
            "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})"
        )
        tab = context.new_page()
        go(tab, report)
        assert brightness(tab) == system
        tab.click("#theme")
        assert brightness(tab) == other
        tab.click("#theme")
        assert brightness(tab) == system


def brightness(tab: Page) -> str:
    colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    return "dark" if sum(map(int, re.findall(r"\d+", colour)[:3])) < 384 else "light"


def test_a_page_could_ask_nobody_even_if_it_wanted_to(chromium: Browser, report: Path) -> None:
    tab = chromium.new_page()
    go(tab, report)
    refused = tab.evaluate(
        """async () => {
          const said = [];
          const note = (event) => said.push(event.effectiveDirective);
          document.addEventListener("securitypolicyviolation", note);
          await fetch("https://example.org/").catch(() => {});
          const script = document.createElement("script");
          script.textContent = "window.hit = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src='https://example.org/x.png'>");
          document.body.insertAdjacentHTML("beforeend", "<b onclick='window.hit = 2'>x</b>");
          document.body.lastElementChild.click();
          await new Promise((done) => setTimeout(done, 50));
          return [said.sort(), window.hit ?? null];
        }"""
    )
    tab.close()
    assert refused == [["connect-src", "img-src", "script-src-attr", "script-src-elem"], None]


def test_paper_shows_the_first_page_in_black_on_white(tab: Page, report: Path) -> None:
    tab.emulate_media(media="print", color_scheme="dark")
    go(tab, report)
    assert brightness(tab) == "light"
    expect(tab.locator("header.top")).to_be_hidden()


def test_a_checkpoint_alone_has_no_other_side(tab: Page, result: Result, tmp_path: Path) -> None:
    alone = result.model_copy(update={"checkpoints": result.checkpoints[:1]})
    build(gather([source(alone)]), tmp_path)
    go(tab, tmp_path, "suite-maths.html")
    for hidden in ("#a", "#b", "#swap"):
        expect(tab.locator(hidden)).to_be_hidden()
    expect(tab.locator("#diff")).to_have_count(0)
    tab.get_by_role("button", name="right 4").click()
    assert listed(tab) == ["0", "3", "6", "7"]


def test_hostile_names_are_names_and_nothing_else(
    tab: Page, result: Result, tmp_path: Path
) -> None:
    evil = "<img src=x onerror='window.hit = 1'>\u202e\x00&#\"' +%23/"
    renamed = (*result.checkpoints[:2], result.checkpoints[2].model_copy(update={"name": evil}))
    build(gather([source(result.model_copy(update={"checkpoints": renamed}))]), tmp_path)
    go(tab, tmp_path)
    shown = order(tab)[2]
    tab.select_option("#baseline", shown)
    expect(tab.locator("#verdict-text")).to_contain_text("onerror='window.hit = 1'>⟨U+202E⟩␀")
    tab.select_option("#baseline", "dpo")
    tab.locator("#leaderboard-table tbody tr").nth(2).locator(".counts a").first.click()
    tab.wait_for_selector("html[data-ready]", state="attached")
    assert listed(tab) == ["1", "9", "10"]
    expect(tab.locator("#a")).to_have_value(shown)
    tab.locator(".card h3 a").first.click()
    expect(tab.locator("h1")).to_have_text(shown)
    assert tab.evaluate("window.hit") is None
    assert tab.locator("img").count() == 0

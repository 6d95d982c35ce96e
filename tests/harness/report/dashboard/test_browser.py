"""The dashboard in a real browser: what its reader sees, without ever loading it again."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.report.dashboard.server import Server

from . import folders
from .folders import PAGE, Stage, recipe, save, suite_result

Open = Callable[..., Any]
HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>\u202e"


def later(page: Any) -> None:
    """Let the page's next question be asked, and its answer be shown."""
    with page.expect_response("**/live?*"):
        page.clock.run_for(2000)


def expect(found: Any) -> Any:
    from playwright.sync_api import expect as expected

    return expected(found)


def rows(page: Any) -> list[tuple[str, str]]:
    """(checkpoint, run) of the leaderboard's rows that are shown."""
    found = page.locator("#board tbody tr:visible")
    return [
        (row.locator("th").get_attribute("data-value"), row.locator("td").first.inner_text())
        for row in found.all()
    ]


def is_light(colour: str) -> bool:
    """Whether a colour, `rgb(1, 2, 3)`, is nearer to white than to black."""
    return sum(map(int, re.findall(r"\d+", colour))) > 3 * 255 / 2


def older(path: Path, seconds: int) -> None:
    """Set a file's time that much before 2020."""
    os.utime(path, (1577836800 - seconds,) * 2)


def two_runs(root: Path) -> None:
    older(save(root / "new" / "result.json", folders.scored({"base": 20, "nca": 9})), 1)
    older(save(root / "old" / "result.json", folders.scored({"base": 30, "dpo": 100})), 2)


def test_a_run_begins_goes_on_and_ends_while_the_page_is_open(
    tmp_path: Path, opened: Open, at_work: Callable[[Path], Stage]
) -> None:
    two_runs(tmp_path)
    page = opened()
    page.evaluate("window.loaded = 'once'")
    expect(page.locator("#work")).to_contain_text("No run in this folder is active")

    run = recipe(tmp_path / "fresh", "nca")
    stage = at_work(run / "train" / "nca")
    later(page)
    card = page.locator("#work article")
    expect(card).to_contain_text(f"process {stage.process.pid} on")
    expect(card).to_contain_text("0 of 1 checkpoint trained")
    expect(page.locator("#runs tbody tr").first).to_contain_text("running train/nca")
    for done in (3, 6):
        stage.step(done)
        later(page)
        expect(card).to_contain_text(f"train {done} of 8")
        expect(card.locator("progress")).to_have_attribute("value", str(done))

    stage.end()
    save(run / "result.json", folders.scored({"fresh": 50}))
    later(page)
    expect(card).to_have_count(0)
    expect(page.locator("#runs tbody tr").first).to_contain_text("finished")
    expect(page.locator("#status")).to_contain_text("none running")
    assert rows(page)[0] == ("fresh", "fresh")
    assert page.evaluate("window.loaded") == "once"


def test_a_run_that_is_killed_is_shown_as_stopped(
    tmp_path: Path, opened: Open, at_work: Callable[[Path], Stage]
) -> None:
    run = recipe(tmp_path / "run", "nca")
    stage = at_work(run / "train" / "nca")
    stage.step(5)
    page = opened()
    expect(page.locator("#work article")).to_contain_text("train 5 of 8")

    stage.kill()
    later(page)
    expect(page.locator("#work article")).to_have_count(0)
    expect(page.locator("#runs tbody tr")).to_contain_text("stopped in train/nca at train 5 of 8")


def test_the_newest_run_comes_first_and_what_is_worked_on_again_moves_up(
    tmp_path: Path, opened: Open
) -> None:
    two_runs(tmp_path)
    page = opened()
    newest_first = [("base", "new"), ("nca", "new"), ("base", "old"), ("dpo", "old")]
    assert rows(page) == newest_first
    older(tmp_path / "old" / "result.json", 0)
    later(page)
    expect(page.locator("#runs tbody th").first).to_have_text("old")
    assert rows(page) == newest_first[2:] + newest_first[:2]


def test_sorting_is_kept_while_rows_come_and_leaves_cells_of_another_kind_behind(
    tmp_path: Path, opened: Open
) -> None:
    two_runs(tmp_path)
    apart = folders.scored({"sampled": 60}, decoding="sampled")
    older(save(tmp_path / "apart" / "result.json", apart), 3)
    page = opened()
    button = page.get_by_role("button", name="gsm8k")
    heading = page.locator("#board th", has=button)

    button.click()
    assert heading.get_attribute("aria-sort") == "descending"
    # 100 is more than 20 and 9: numbers, not words; other decoding is not ranked among them.
    assert [name for name, _ in rows(page)] == ["dpo", "base", "base", "nca", "sampled"]
    save(tmp_path / "newer" / "result.json", folders.scored({"between": 25}))
    later(page)
    expect(page.locator("#board tbody tr")).to_have_count(6)
    assert [name for name, _ in rows(page)] == ["dpo", "base", "between", "base", "nca", "sampled"]
    expect(button).to_be_focused()

    button.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [name for name, _ in rows(page)] == ["nca", "base", "between", "base", "dpo", "sampled"]
    button.click()
    assert heading.get_attribute("aria-sort") is None
    assert rows(page)[0] == ("between", "newer")
    page.get_by_role("button", name="checkpoint").press("Enter")
    assert [name for name, _ in rows(page)] == ["base", "base", "between", "dpo", "nca", "sampled"]


def test_what_is_typed_selected_and_scrolled_stays_while_the_page_changes(
    tmp_path: Path, opened: Open
) -> None:
    two_runs(tmp_path)
    (tmp_path / "foreign.json").write_text("{}")
    page = opened(viewport={"width": 1000, "height": 400})
    page.get_by_text("1 JSON file not read").click()
    page.locator("#filter").press_sequentially("old dp")
    page.evaluate("scrollTo(0, 150)")
    kept = page.locator("#board tbody tr", has_text="old").first.element_handle()

    save(tmp_path / "newer" / "result.json", folders.scored({"dpo": 25}))
    later(page)

    expect(page.locator("#runs tbody tr")).to_have_count(3)
    expect(page.locator("#filter")).to_be_focused()
    expect(page.locator("#filter")).to_have_value("old dp")
    assert rows(page) == [("dpo", "old")]
    expect(page.locator("#matches")).to_have_text("1 of 5 rows")
    expect(page.locator("#unread details")).to_have_attribute("open", "")
    assert page.evaluate("scrollY") == 150
    assert kept.evaluate("row => row.isConnected")


def test_cells_made_otherwise_have_a_note_that_says_why(tmp_path: Path, opened: Open) -> None:
    two_runs(tmp_path)
    apart = folders.scored({"sampled": 60}, decoding="sampled")
    older(save(tmp_path / "apart" / "result.json", apart), 3)
    page = opened()
    cell = page.locator("#board td", has_text="60.0")
    expect(cell).to_have_class(re.compile("apart"))
    cell.get_by_role("link", name="note 1").click()
    expect(page.locator("#note-1")).to_have_text(
        "gsm8k: decoding sampled, in the other cells greedy"
    )
    expect(page.locator("#board strong", has_text="100.0")).to_be_visible()
    expect(page.locator("#board td strong")).to_have_count(1)


def test_a_run_with_a_report_leads_to_it_and_another_says_what_makes_it(
    tmp_path: Path, opened: Open, server: Server
) -> None:
    two_runs(tmp_path)
    page = opened()
    expect(page.locator("#runs tbody tr").last).to_contain_text(
        f"nca report {tmp_path.name}/old -o {tmp_path.name}/old/report"
    )
    (tmp_path / "old" / "report").mkdir()
    (tmp_path / "old" / "report" / "index.html").write_text(PAGE)
    later(page)
    expect(page.locator("#runs a")).to_have_text("report")
    page.locator("#board a", has_text="dpo").click()
    assert page.url == f"{server.url}files/old/report/index.html"
    expect(page.locator("p")).to_have_text("a report")
    page.go_back()
    (tmp_path / "old" / "report" / "checkpoint-dpo.html").write_text(PAGE)
    later(page)
    page.locator("#board a[href*=checkpoint]", has_text="dpo").click()
    assert page.url == f"{server.url}files/old/report/checkpoint-dpo.html"
    page.go_back()
    expect(page.locator("h1")).to_have_text(tmp_path.name)


def test_hostile_names_are_shown_and_do_nothing(
    tmp_path: Path, opened: Open, at_work: Callable[[Path], Stage]
) -> None:
    name = HOSTILE.replace("/", "∕")
    hostile = {HOSTILE: suite_result(HOSTILE, [1.0, 0.0])}
    save(tmp_path / name / "result.json", folders.result({HOSTILE: hostile}, recipe=HOSTILE))
    save(tmp_path / "one.json", folders.result({HOSTILE: {HOSTILE: suite_result(HOSTILE, [1.0])}}))
    other = {HOSTILE: suite_result(HOSTILE, [1.0], decoding=HOSTILE, **{HOSTILE: HOSTILE})}
    save(tmp_path / "two.json", folders.result({HOSTILE: other}))
    (tmp_path / f"{name}.json").write_text(HOSTILE)
    run = recipe(tmp_path / f"{name} run", HOSTILE, suites=(HOSTILE,))
    at_work(run / "train" / name).step(1)
    broken = recipe(tmp_path / "broken", "nca") / "train" / "nca"
    at_work(broken).kill()
    (broken / "stage.log").write_text(HOSTILE)

    page = opened()
    later(page)
    for part in ("#work h3", "#work code", "#board tbody th", "#board thead th >> nth=2",
                 "#runs tbody th", "#runs .state", "#unread code", "#board ol"):  # fmt: skip
        shown = page.locator(part).all_text_contents()
        assert any("<img src=x onerror=alert(1)>" in text for text in shown), part
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3  # our own
    assert "\u202e" not in page.content()
    page.get_by_role("button", name="checkpoint").click()
    page.locator("#filter").fill("onerror")
    assert len(rows(page)) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_light_or_dark_as_the_system_and_can_be_switched(
    tmp_path: Path, opened: Open, scheme: str
) -> None:
    two_runs(tmp_path)
    page = opened(color_scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    assert is_light(before) == (scheme == "light")
    page.locator("#theme").click()
    after = page.evaluate(ground)
    assert is_light(after) == (scheme == "dark")
    later(page)
    assert page.evaluate(ground) == after


def test_a_narrow_screen_scrolls_tables_not_the_page(
    tmp_path: Path, opened: Open, at_work: Callable[[Path], Stage]
) -> None:
    suites = {f"suite{i}": suite_result(f"suite{i}", [1.0, 0.0]) for i in range(8)}
    long = "a-checkpoint-whose-name-says-everything-of-its-training-" * 3
    save(tmp_path / "wide" / "result.json", folders.result({long: suites}))
    (tmp_path / ("x" * 120 + ".json")).write_text("{}")
    at_work(recipe(tmp_path / ("run" * 40), long) / "train" / "nca").step(2)
    page = opened(viewport={"width": 320, "height": 640})
    page.locator("summary").click()
    later(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("scrollTo(1000, 0), scrollX") == 0


def test_a_server_that_is_gone_is_said_and_when_it_is_back_the_page_goes_on(
    tmp_path: Path, chromium: Any, server_below: Callable[..., Server]
) -> None:
    two_runs(tmp_path)
    context = chromium.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(server_below(tmp_path).url)
    page.route("**/live?*", lambda route: route.abort())
    page.clock.run_for(2000)
    expect(page.locator("#gone")).to_contain_text("The server has not answered since")
    expect(page.locator("#board tbody tr")).to_have_count(4)

    page.unroute("**/live?*")
    save(tmp_path / "newer" / "result.json", folders.scored({"between": 25}))
    page.clock.run_for(15000)
    expect(page.locator("#gone")).to_be_hidden()
    expect(page.locator("#board tbody tr")).to_have_count(5)
    context.close()

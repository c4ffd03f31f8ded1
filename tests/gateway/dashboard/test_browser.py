"""The page in a real browser: it loads, moves, survives a restart, and asks nobody else for anything."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from .browser import CHROMIUM, Stage, needs_chromium, stage, visit
from .stage import NASTY

pytestmark = needs_chromium

CHARTS = ("ttft", "total", "nines", "rate", "slots", "detours", "sizes")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def busy() -> Iterator[Stage]:
    """A fleet under traffic, with an endpoint whose name is markup."""
    with stage("nasty") as served:
        yield served


def drawn(page: Page, chart: str) -> None:
    """Wait until a chart has been drawn."""
    page.locator(f"#{chart}").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{chart} .main-svg", state="attached")


def test_it_loads_draws_every_chart_and_asks_no_other_host(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        for chart in CHARTS:
            drawn(seen.page, chart)
        seen.page.locator("#heat-maps figure").first.scroll_into_view_if_needed()
        seen.page.wait_for_selector("#heat-maps figure .main-svg", state="attached")

        assert seen.page.locator("#heat-maps figure").count() == 7
        assert seen.hosts - {"data"} == {f"127.0.0.1:{busy.port}"}
        assert seen.errors == []


def test_its_numbers_move_under_traffic(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        page = seen.page
        page.wait_for_function("() => document.querySelector('.route .big b')?.textContent.includes('%')")
        before = page.inner_text("#route-cards"), page.inner_text("#endpoint-table")

        page.wait_for_function("text => document.querySelector('#route-cards').innerText !== text", arg=before[0])
        page.wait_for_function("text => document.querySelector('#endpoint-table').innerText !== text", arg=before[1])

        assert "in time" in page.inner_text("#route-cards")
        assert seen.errors == []


def test_a_name_that_is_markup_comes_out_as_it_is(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        drawn(seen.page, "nines")

        assert NASTY in seen.page.inner_text("#endpoint-table")
        assert "<b>moon</b>" in seen.page.inner_text("#heat-maps")
        assert seen.page.locator("img[src=x]").count() == 0
        assert seen.errors == []


def test_a_call_tells_its_candidates_and_stays_open_while_others_come(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        page = seen.page
        first = page.locator(".calls > details").first
        first.wait_for()
        key = page.evaluate_handle("document.querySelector('.calls > details')")
        key.evaluate("row => row.querySelector('summary').click()")  # rows move on: a mouse could miss this one
        page.wait_for_function("row => row.previousElementSibling !== null", arg=key)

        told = page.locator(".calls > details[open]").inner_text()

        assert "Chance to be in time" in told
        assert "Decisions" in told
        assert "Attempts" in told
        assert "secret" not in page.content()


def test_it_says_what_changed_and_can_be_asked_otherwise(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        page = seen.page
        page.wait_for_selector("#answer .conclusion")
        with page.expect_response("**/api/live/changes.json?*") as asked:
            page.select_option("#question [name=of]", "total")

        assert "of=total" in asked.value.url
        assert asked.value.ok


def test_a_stretch_can_be_chosen_by_dragging_over_a_chart(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        page = seen.page
        drawn(page, "ttft")
        page.wait_for_function("() => document.querySelector('#ttft .plot').data[0].x.length > 2")
        box = page.locator("#ttft .nsewdrag").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 5, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 60, steps=8)
        page.mouse.up()

        page.wait_for_selector("#brushed:not([hidden])")

        assert page.inner_text("#brushed").startswith("Chosen on the chart:")
        assert seen.errors == []


def test_every_chart_has_its_data_as_a_table(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        drawn(seen.page, "ttft")
        seen.page.locator("#ttft summary").click()

        seen.page.wait_for_selector("#ttft table tbody tr")

        heads = seen.page.locator("#ttft thead th").all_inner_texts()
        assert heads == ["Time", "p50", "p95", "p99", "answers"]


def test_it_survives_a_gateway_that_goes_and_comes_back(browser: Browser) -> None:
    with stage("steady") as served, visit(browser, served.url) as seen:
        page = seen.page
        page.wait_for_function("() => document.querySelector('.route .big b')?.textContent.includes('%')")
        served.stop()
        page.wait_for_selector("#link[data-state=reconnecting]")
        assert page.inner_text("#link") == "reconnecting"
        assert page.locator(".route").count() == 2  # what was known stays

        served.start()
        page.wait_for_selector("#link[data-state=live]")

        page.wait_for_function("() => document.querySelector('.route .big b')?.textContent.includes('%')")
        page.wait_for_function("() => /up [0-9]+ s$/.test(document.querySelector('#source').textContent)")
        assert all("ERR_CONNECTION" in error or "ERR_INCOMPLETE" in error for error in seen.errors)


def test_before_the_first_call_it_says_how_to_send_one(browser: Browser) -> None:
    with stage("empty") as served, visit(browser, served.url) as seen:
        seen.page.wait_for_selector("#empty:not([hidden])")

        assert f"curl http://127.0.0.1:{served.port}/v1/chat/completions" in seen.page.inner_text("#example")
        assert "no calls" in seen.page.inner_text("#route-cards")
        assert seen.errors == []


def test_it_is_dark_where_the_system_is_and_otherwise_on_request(browser: Browser, busy: Stage) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with visit(browser, busy.url, dark=True) as seen:
        assert seen.page.evaluate(paper) == "rgb(14, 19, 25)"
    with visit(browser, busy.url) as seen:
        assert seen.page.evaluate(paper) == "rgb(244, 246, 248)"
        seen.page.click("#theme")
        seen.page.click("#theme")
        assert seen.page.evaluate(paper) == "rgb(14, 19, 25)"
        seen.page.reload()
        assert seen.page.evaluate(paper) == "rgb(14, 19, 25)"
        assert seen.errors == []


@pytest.mark.parametrize("width", [360, 768])
def test_on_a_narrow_screen_nothing_sticks_out(browser: Browser, busy: Stage, width: int) -> None:
    with visit(browser, busy.url, width=width, height=780) as seen:
        for chart in CHARTS:
            drawn(seen.page, chart)

        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.errors == []


def test_it_can_be_used_by_keyboard(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        page = seen.page
        order: list[str] = []
        for _ in range(4):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.className || document.activeElement.id"))
        assert order == ["skip", "route", "window", "theme"]

        page.wait_for_function("() => document.querySelector('#route').options.length > 1")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowDown")
        page.wait_for_function("() => document.querySelectorAll('.route').length === 1")

        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_everything_that_can_be_used_has_a_name_and_every_heading_its_place(browser: Browser, busy: Stage) -> None:
    with visit(browser, busy.url) as seen:
        page = seen.page
        nameless = page.evaluate(
            """[...document.querySelectorAll('select, button, [role=region], meter, section')]
                 .filter((one) => !one.labels?.length && !(one.tagName === 'BUTTON' && one.textContent.trim())
                   && !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby'))
                 .map((one) => one.outerHTML)"""
        )
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((one) => +one.tagName[1])")

        assert nameless == []
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert page.evaluate("document.documentElement.lang") == "en"

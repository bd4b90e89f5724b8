"""The report in a headless Chromium: at two widths, light and dark, by keyboard, with accessibility rules, and without a network."""

from dataclasses import dataclass, field

import pytest

from ccft.pipeline.ai_reading import ai_month, figures
from ccft.pipeline.ai_section import ai_section
from ccft.publish.report.page import render
from tests.unit.ai.published_lake import publish
from tests.unit.publish.report.world import HOSTILE, OTHER, PAYER, many_months, write_page

pytestmark = pytest.mark.browser

COMBINATIONS = (
    ("provider", 400, "light"), ("provider", 400, "dark"), ("provider", 1400, "light"), ("provider", 1400, "dark"),
    ("payer", 400, "dark"), ("payer", 1400, "light"),
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of a provider and of a payer: 38 months, three versions, hostile and long names."""
    folder = tmp_path_factory.mktemp("report")
    world = many_months()
    models = ai_section(figures(ai_month(publish(folder / "lake"))))
    return {
        "provider": write_page(folder, render(world.figures(), [models]), "provider.html"),
        "payer": write_page(folder, render(world.figures(PAYER)), "payer.html"),
    }


@dataclass
class Opened:
    """A page in the browser, and what happened while it opened."""

    page: object
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda combination: "-".join(map(str, combination)))
def opened(request, chromium, pages):
    reader, width, scheme = request.param
    with chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        opened = Opened(page)
        page.on("console", lambda message: opened.messages.append(message.text))
        page.on("pageerror", lambda error: opened.messages.append(str(error)))
        page.on("request", lambda sent: opened.requests.append(sent.url))
        page.goto(pages[reader].as_uri())
        page.wait_for_selector("html[data-drawn=yes]")
        yield opened


def within_its_width(page):
    """No horizontal scrolling of the page; what is wider scrolls in a frame of its own."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_renders_quietly_alone_and_within_its_width(opened):
    page = opened.page
    assert opened.messages == []
    assert [url.partition(":")[0] for url in opened.requests] == ["file"]
    assert within_its_width(page)
    assert page.evaluate("document.fonts.size") == 0
    drawings = page.locator(".drawing")
    for number in range(drawings.count()):
        assert drawings.nth(number).locator("svg.main-svg").count() > 0, drawings.nth(number).get_attribute("id")
    assert page.locator("script", has_text="alert(1)").count() == page.locator("#drawings", has_text="alert(1)").count()
    assert HOSTILE in page.inner_text("#services")


def test_accessibility_rules_hold(opened):
    from axe_playwright_python.sync_playwright import Axe

    # Everything unfolded: rules look at what is visible.
    opened.page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    assert within_its_width(opened.page)


def eventually(page, holds):
    """Wait for what the page does by itself; its policy forbids the evaluation that Playwright would wait with."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail("it did not happen within ten seconds")


def _style(page, selector, name):
    return page.evaluate("([s, n]) => getComputedStyle(document.querySelector(s))[n]", [selector, name])


@pytest.fixture(scope="module")
def provider_page(chromium, pages):
    """The provider's page at 1400 pixels, light."""
    with chromium.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light") as context:
        page = context.new_page()
        page.goto(pages["provider"].as_uri())
        page.wait_for_selector("html[data-drawn=yes]")
        yield page


def test_charts_follow_the_colour_scheme(provider_page):
    page = provider_page
    bar = "#chart-trend .bars:nth-of-type(2) .point path"

    def colours():
        return _style(page, "body", "backgroundColor"), _style(page, bar, "fill")

    light = colours()
    page.emulate_media(color_scheme="dark")
    eventually(page, lambda: colours()[0] != light[0] and colours()[1] != light[1])
    page.emulate_media(color_scheme="light")
    eventually(page, lambda: colours() == light)


def test_keyboard_reaches_everything(provider_page):
    page = provider_page
    page.reload()
    page.wait_for_selector("html[data-drawn=yes]")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    expected = page.evaluate(
        "[...document.querySelectorAll('a, summary, [tabindex=\"0\"]')].filter((e) => e.checkVisibility()).length"
    )
    page.goto(page.url.partition("#")[0])
    page.wait_for_selector("html[data-drawn=yes]")
    reached = set()
    for _ in range(expected + 5):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "() => { const e = document.activeElement; if (e === document.body) return null;"
            " return [...document.querySelectorAll('a, summary, [tabindex=\"0\"]')].indexOf(e); }"
        )
        if place is None or place in reached:
            break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", place
        reached.add(place)
    assert len(reached) == expected


def test_numbers_unfold_by_keyboard(provider_page):
    page = provider_page
    first = page.locator("#trend summary")
    first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#trend table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroller"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert not page.locator("#trend table").is_visible()


def test_every_chart_has_a_name_for_screen_readers(provider_page):
    page = provider_page
    for drawing in page.locator(".drawing").all():
        assert drawing.get_attribute("role") == "img"
        caption = page.locator(f"#{drawing.get_attribute('aria-labelledby')}")
        assert len(caption.inner_text()) > 30


def test_paper_shows_what_is_folded(provider_page):
    page = provider_page
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.emulate_media(media="screen")


def test_hostile_names_make_no_elements(chromium, tmp_path):
    from tests.unit.publish.report.world import World

    world = World()
    name = "<img src=x onerror=\"document.title='owned'\"><a href=\"javascript:document.title='owned'\">x</a>"
    world.row("2025-06", PAYER, PAYER, {"scope_1": "5"}, service=name, product=name, location=name, region=name)
    world.row("2025-06", OTHER, OTHER, {"scope_1": "5"})
    path = write_page(tmp_path, render(world.finish().figures()), "hostile.html")
    with chromium.new_context() as context:
        page = context.new_page()
        messages = []
        page.on("console", lambda message: messages.append(message.text))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn=yes]")
        assert page.locator("img").count() == 0
        assert page.locator("a[href^=javascript], main svg a").count() == 0
        assert "owned" not in page.title()
        assert messages == []

"""The page of an explanation in a real browser: no errors, no request, no accessibility violation, narrow and wide, dark and light."""

import pytest

from ccft.publish.explanation_page import page
from tests.unit.publish.explanations import sample

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_opens_offline_and_is_accessible(chromium, tmp_path, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    file = tmp_path / "page.html"
    file.write_text(page(sample()), encoding="utf-8")
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    tab = context.new_page()
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    assert (said, asked) == ([], [file.as_uri()])
    tab.evaluate("document.querySelectorAll('details').forEach(level => level.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert [rule["id"] for rule in Axe().run(tab).response["violations"]] == []
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"
    context.close()

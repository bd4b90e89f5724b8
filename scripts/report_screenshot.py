"""A picture of a report for the documentation: the top of the page, light, as a browser shows it.

usage: python scripts/report_screenshot.py PAGE.html PICTURE.png     (needs Playwright and an installed Chromium)
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1280, 1180
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def take(page: Path, picture: Path) -> None:
    """Write the picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium installed")
    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser:
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(page.absolute().as_uri())
        tab.wait_for_selector("html[data-drawn=yes]")
        tab.screenshot(path=picture)


if __name__ == "__main__":
    take(*(Path(argument) for argument in sys.argv[1:3]))

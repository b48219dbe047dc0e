"""A headless Chromium for the pages, and a headset that is not there (npm's iwer); or why there is none."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
IWER = ROOT / ".venvs" / "browser" / "node_modules" / "iwer" / "build" / "iwer.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-features=WebXR",
    "--disable-background-networking",
]
HEADSET = """
const device = new IWER.XRDevice(IWER.metaQuest3);
device.installRuntime();
window.headset = device;
// The emulator calls every controller's place an estimate; that of the headset meant here is measured.
Object.defineProperty(XRPose.prototype, "emulatedPosition", { get: () => window.estimated === true });
"""
PAD = """
window.pad = { axes: [0, 0, 0, 0], down: {} };
navigator.getGamepads = () => [{
  mapping: "standard", axes: window.pad.axes,
  buttons: Array.from({ length: 17 }, (_, i) => ({ value: window.pad.down[i] || 0, pressed: !!window.pad.down[i] })),
}];
"""


def program() -> str | None:
    """The browser of this machine."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def lacking() -> str:
    """What is missing to test in a browser; empty: nothing."""
    if program() is None:
        return "no Chromium on this machine: sudo apt-get install chromium"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "playwright is missing: make setup"
    return ""


@contextmanager
def started():
    """A browser for some pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser, url: str, *scripts: str):
    """A page at ``url`` in which ``scripts`` ran first; ``page.asked`` lists every request that it made."""
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    for script in scripts:
        page.add_init_script(script)
    page.goto(url)
    try:
        yield page
    finally:
        context.close()


def wait_for(page, script: str, arg=None, seconds: float = 30.0):
    """Until ``script``, an expression or a function of ``arg``, is true.

    Playwright's own waiting evaluates strings in the page, which the pages' content security policy forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(script, arg):
        assert time.monotonic() < end, script
        page.wait_for_timeout(50)

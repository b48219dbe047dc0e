"""The operator's page in a real browser: what she sees, her keys, her gamepad, her headset."""

import time
from urllib.parse import urlsplit

import chromium
import numpy as np
import pytest
from hand import state

from robot_rl.core.teleop import Event
from robot_rl.tasks.registry import make_task
from robot_rl.teleop.bindings import events_of
from robot_rl.teleop.browser import BINDINGS
from robot_rl.teleop.operator import DeviceOperator
from robot_rl.teleop.page import OperatorPage
from robot_rl.teleop.shaping import Shaping
from robot_rl.web.server import WebConfig

if chromium.lacking():
    pytest.skip(f"NO BROWSER: {chromium.lacking()}", allow_module_level=True)

pytestmark = pytest.mark.timeout(180)
STATE = {
    "phase": "human", "words": "you have the arm", "hint": "say success", "good": 3, "wanted": 10, "failures": 1,
    "discarded": 2, "tank": 1.5, "tank_full": 2.0, "figures": {"rate": "10.0 of 10 Hz"}, "allowed": ["success", "stop"],
}  # fmt: skip


@pytest.fixture
def served():
    facts = {"task": "reach", "instruction": "touch the ball", "bindings": BINDINGS.described()}
    with OperatorPage(WebConfig(), facts) as page:
        yield page


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def reading(device, condition, seconds=10.0):
    """The first sample that fulfils ``condition``."""
    end = time.monotonic() + seconds
    sample = device.sample()
    while not condition(sample):
        assert time.monotonic() < end, sample
        time.sleep(0.05)
        sample = device.sample()
    return sample


def test_she_sees_what_is_going_on_and_says_what_she_thinks_of_it(served, browser):
    with chromium.open_page(browser, served.url) as page:
        served.show(STATE)
        image = np.zeros((48, 64, 3), np.uint8)
        served.image("front", image)
        page.wait_for_selector("#phase.human")
        assert page.inner_text("#phase") == "you have the arm"
        assert page.inner_text("#instruction") == "touch the ball"
        assert "3 of 10 good" in page.inner_text("#counts")
        assert "10.0 of 10 Hz" in page.inner_text("#figures")
        chromium.wait_for(page, "document.getElementById('camera-front')?.naturalWidth === 64")
        assert page.is_disabled("#episode [data-event=failure]"), "only what can be said now"
        page.click("#episode [data-event=success]")
        assert until(lambda: list(served.browser.events()) == [Event.SUCCESS])
        host = urlsplit(served.url).netloc
        assert {urlsplit(url).netloc for url in page.asked if not url.startswith("blob:")} == {host}, (
            "nothing from elsewhere"
        )
        assert not page.complaints


def test_her_keys_move_the_arm_only_while_the_page_drives(served, browser):
    device = served.browser
    with chromium.open_page(browser, served.url) as page:
        page.keyboard.down("w")
        time.sleep(0.2)
        assert device.sample().stamp == -np.inf, "nobody drives"
        page.keyboard.up("w")
        page.click("#drive")
        assert until(lambda: device.driver is not None)
        device.sample()
        page.keyboard.down("w")
        page.keyboard.down("ArrowLeft")
        sample = reading(device, lambda s: s.axes[0] > 0.9 and s.axes[5] > 0.9)
        assert "clutch" in sample.buttons
        page.keyboard.up("w")
        page.keyboard.up("ArrowLeft")
        page.keyboard.press("Enter")
        page.keyboard.press("Space")
        said = []
        assert until(lambda: said.extend(p.name for p in device.sample().presses if p.down) or "space" in said)
        assert said == ["enter", "space"]
        page.click("#drive")
        assert until(lambda: device.driver is None)
    assert device.sample().stamp == -np.inf


def test_a_page_that_goes_away_has_lost_the_arm(served, browser):
    device = served.browser
    with chromium.open_page(browser, served.url) as page:
        page.click("#drive")
        assert until(lambda: device.driver is not None)
        page.keyboard.down("w")
        reading(device, lambda s: s.axes[0] > 0.9)
    assert until(lambda: device.driver is None)
    device.sample()
    time.sleep(0.02)
    sample = device.sample()
    assert sample.stamp == -np.inf
    np.testing.assert_array_equal(sample.axes, 0.0)


def test_her_gamepad_moves_the_arm_while_she_holds_the_clutch(served, browser):
    device = served.browser
    with chromium.open_page(browser, served.url, chromium.PAD) as page:
        page.click("#drive")
        page.evaluate("window.pad.axes = [-1, -0.5, 0, 1]")
        time.sleep(0.3)
        device.sample()
        time.sleep(0.1)
        np.testing.assert_array_equal(device.sample().axes, 0.0)
        page.evaluate("window.pad.down[5] = 1")
        sample = reading(device, lambda s: s.axes[1] > 0.99)
        np.testing.assert_allclose(sample.axes, [0.5, 1.0, -1.0, 0, 0, 0], atol=0.06)
        page.evaluate("window.pad.down[3] = 1")
        sample = reading(device, lambda s: any(p.name == "pad y" for p in s.presses))
        assert Event.SUCCESS in events_of(sample.presses, BINDINGS)


def test_her_headset_moves_the_arm_as_her_hand_moves(served, browser):
    if not chromium.IWER.is_file():
        pytest.skip("NO BROWSER: the emulated headset is missing (npm's iwer): make setup")
    device = served.browser
    person = DeviceOperator(device, make_task("peg_insert"), BINDINGS, Shaping())
    with chromium.open_page(browser, served.url, chromium.IWER.read_text(), chromium.HEADSET) as page:
        page.wait_for_selector("#enter-xr:not([disabled])")
        page.evaluate("headset.controllers.right.position.set(0.2, 1.2, -0.3)")
        page.click("#enter-xr")
        reading(device, lambda s: s.pose is not None)
        page.evaluate("headset.controllers.right.updateButtonValue('squeeze', 1)")
        assert until(lambda: person.read(state(), {}).strength == 1.0)
        np.testing.assert_allclose(person.read(state(), {}).action, 0.0, atol=1e-6)
        # 6 mm to the right, 3 mm up, 9 mm away from her: forward, left, up in the base
        page.evaluate("headset.controllers.right.position.set(0.206, 1.203, -0.309)")
        want = np.array([0.009, -0.006, 0.003]) / 0.015
        assert until(lambda: np.allclose(person.read(state(), {}).action[:3], want, atol=0.01))
        page.evaluate("headset.controllers.right.updateButtonValue('squeeze', 0)")
        assert until(lambda: person.read(state(), {}).strength == 0.0)
        page.evaluate("headset.controllers.right.position.set(0.5, 0.9, 0.3)")
        time.sleep(0.2)
        np.testing.assert_array_equal(person.read(state(), {}).action, 0.0)
        page.evaluate("headset.controllers.right.updateButtonValue('squeeze', 1)")
        assert until(lambda: person.read(state(), {}).strength == 1.0)
        np.testing.assert_allclose(person.read(state(), {}).action, 0.0, atol=1e-6)  # the clutch made room
        page.evaluate("window.estimated = true")
        assert until(lambda: device.sample().pose is None), "a place that is only estimated moves nothing"
        page.evaluate("headset.controllers.right.updateButtonValue('a-button', 1)")
        heard = []
        assert until(lambda: heard.extend(person.read(state(), {}).events) or Event.SUCCESS in heard)
        assert not page.complaints


def test_a_phone_gets_a_secure_page(monkeypatch, tmp_path, browser):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    facts = {"task": "reach", "instruction": "", "bindings": {}}
    with OperatorPage(WebConfig(host="0.0.0.0"), facts) as served, chromium.open_page(browser, served.url) as page:
        served.show(STATE)
        page.wait_for_selector("#phase.human")
        assert page.evaluate("isSecureContext")
        assert "token" not in page.url

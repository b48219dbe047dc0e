"""The review page in a real browser, and how fast it opens a large dataset."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import replace
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import chromium
import cv2
import numpy as np
import pytest
from make_reviewed import IMAGE, record

from robot_rl.core.records import Source
from robot_rl.data.dataset import open_dataset
from robot_rl.data.review.page import ReviewPage
from robot_rl.web.server import WebConfig


def taken_over(steps, _episode):
    """The policy acts, and a person corrects it in steps 10 to 19."""
    human = [10 <= t < 20 for t in range(len(steps))]
    return [
        replace(s, source=Source.HUMAN if h else Source.POLICY, intervention=int(h))
        for s, h in zip(steps, human, strict=True)
    ]


@pytest.fixture
def root(tmp_path):
    return record(tmp_path / "demos", taken_over, episodes=3)


def get(page, address):
    with urlopen(page.server.url + address, timeout=20) as reply:
        return reply.read()


def test_what_the_page_is_told(root):
    with ReviewPage(root, WebConfig()) as page:
        dataset = json.loads(get(page, "dataset"))
        assert [(e["number"], e["steps"], e["outcome"]) for e in dataset["episodes"]] == [
            (i, 30, "success") for i in range(3)
        ]
        found = json.loads(get(page, "episode?number=1"))
        assert [(s["start"], s["stop"], s["source"], s["intervention"]) for s in found["segments"]] == [
            (0, 10, "policy", 0),
            (10, 20, "human", 1),
            (20, 30, "policy", 0),
        ]
        episode = open_dataset(root).episode(1)
        np.testing.assert_allclose(found["curves"][0]["lines"][1]["values"], episode.action[:, 1], atol=1e-5)
        np.testing.assert_allclose(
            found["curves"][4]["lines"][2]["values"], episode.obs["observation.state"][:30, 2], atol=1e-5
        )
        image = cv2.imdecode(np.frombuffer(get(page, "frame?number=1&camera=wrist&row=30"), np.uint8), 1)[..., ::-1]
        want = cv2.imdecode(cv2.imencode(".jpg", episode.obs[IMAGE][30][..., ::-1], [1, 85])[1], 1)[..., ::-1]
        np.testing.assert_array_equal(image, want)
        for wrong in (
            "episode?number=9",
            "episode?number=x",
            "frame?number=1&camera=wirst&row=0",
            "frame?number=1&camera=wrist&row=31",
        ):
            with pytest.raises(HTTPError) as refused:
                get(page, wrong)
            assert refused.value.code == 400


def test_a_thousand_episodes_are_there_at_once_and_so_is_any_frame(tmp_path):
    root = record(tmp_path / "demos", episodes=1)
    first = open_dataset(root).index[0]["path"]
    attributes = json.loads((first / "zarr.json").read_text())
    for number in range(1, 1000):
        name = str(uuid.uuid4())
        group = root / "episodes" / f"ep{number:06d}-{name}.zarr"
        group.mkdir()
        for array in [p for p in first.iterdir() if p.is_dir()] if number == 777 else ():
            shutil.copytree(array, group / array.name)
        attributes["attributes"] |= {"number": number, "uuid": name}
        (group / "zarr.json").write_text(json.dumps(attributes))
    opening, framing = [], []
    for _ in range(3):
        started = time.process_time()
        with ReviewPage(root, WebConfig()) as page:
            assert len(json.loads(get(page, "dataset"))["episodes"]) == 1000
            opening.append(time.process_time() - started)
            started = time.process_time()
            assert get(page, "frame?number=777&camera=wrist&row=5")[:2] == b"\xff\xd8"
            framing.append(time.process_time() - started)
    assert min(opening) < 1.0
    assert min(framing) < 0.2


@pytest.fixture
def page(root, browser):
    with ReviewPage(root, WebConfig()) as served, chromium.open_page(browser, served.server.url) as page:
        page.wait_for_selector("#episodes li:nth-child(3)")
        yield page
        host = urlsplit(served.server.url).netloc
        assert {urlsplit(url).netloc for url in page.asked} == {host}, "nothing from elsewhere"
        assert not page.complaints


@pytest.mark.timeout(180)
def test_she_looks_at_an_episode(page):
    chromium.wait_for(page, "document.getElementById('camera-wrist')?.naturalWidth === 40")
    first = page.get_attribute("#camera-wrist", "src")
    page.fill("#row", "12")
    chromium.wait_for(page, "(old) => document.getElementById('camera-wrist').src.includes('row=12')", arg=first)
    assert page.inner_text("#where") == "step 12 of 30, 1.20 s, human, intervention 1"
    colours = "[5, 15, 25].map((s) => document.getElementById('bar')"
    colours += ".getContext('2d').getImageData(s / 30 * document.getElementById('bar').width, 2, 1, 1).data.join())"
    policy, human, again = page.evaluate(colours)
    assert policy == again != human
    assert page.locator("#curves canvas").count() == 5


@pytest.mark.timeout(180)
def test_she_judges_episodes_and_takes_it_all_back(page, root):
    page.wait_for_selector("#title:text('episode 0: success')")
    assert page.is_disabled("#undo")
    page.keyboard.press("f")
    page.wait_for_selector("#title:text('episode 0: failure')")
    assert [e["outcome"] for e in open_dataset(root).index] == ["failure", "success", "success"]
    page.click("#delete")
    page.wait_for_selector("#title:text('episode 1: success')")
    assert [e["number"] for e in open_dataset(root).index] == [1, 2]
    page.fill("#instruction", "put it there")
    page.keyboard.press("Enter")
    page.wait_for_selector("#episodes li[title='put it there']")
    page.click("#keep")
    page.wait_for_selector("#summary:text('1 reviewed')")
    page.wait_for_selector("#title:text('episode 2')")
    for left in range(3, -1, -1):
        page.keyboard.press("u")
        chromium.wait_for(
            page, "(v) => document.getElementById('summary').textContent.endsWith(`version ${v}`)", arg=8 - left
        )
    chromium.wait_for(page, "document.querySelectorAll('#episodes li').length === 3")
    assert page.is_disabled("#undo")
    index = open_dataset(root).index
    assert [(e["number"], e["outcome"], e["meta"]["instruction"]) for e in index] == [
        (i, "success", "move") for i in range(3)
    ]


@pytest.mark.timeout(60)
def test_an_edit_that_is_refused_says_why_and_changes_nothing(root):
    with ReviewPage(root, WebConfig()) as page:
        for message in (
            {"edit": "delete", "number": 9},
            {"edit": "relabel", "number": 0, "outcome": "great"},
            {"edit": "trim"},
        ):
            page.on_message(1, message)
        page._worker.submit(lambda: None).result(30)
        end = time.monotonic() + 10.0  # the server's own thread takes the state over
        while (state := json.loads(page.server._state))["serial"] < 3 and time.monotonic() < end:
            time.sleep(0.01)
        assert (state["serial"], state["version"]) == (3, 0)
        assert "reload" in state["error"]

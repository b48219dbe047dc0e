"""The hardest frames: which they are, what the page is told, and what a person says in a real browser."""

import json
import shutil
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import chromium
import cv2
import numpy as np
import pytest
from square import STEPS

from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.rewards.classifier import load_classifier
from robot_rl.rewards.frames import labels_of
from robot_rl.rewards.hardest import Scored, flip
from robot_rl.rewards.review import HardestPage
from robot_rl.web.server import WebConfig


@pytest.fixture
def root(world, tmp_path):
    """The dataset with two labels that are wrong: a success without its word, and a failure called a success."""
    root = shutil.copytree(world, tmp_path / "data")
    with Editor(root) as editor:
        dataset = open_dataset(root)
        flip(editor, dataset.episode(1), STEPS - 1, False)
        flip(editor, dataset.episode(2), 3, True)
    return root


def get(page, address):
    with urlopen(page.server.url + address, timeout=20) as reply:
        return reply.read()


def test_wrong_labels_are_the_hardest_frames(root, folder):
    scored = Scored(open_dataset(root), load_classifier(folder))
    hardest = scored.hardest(500)
    assert {(f["number"], f["row"]) for f in hardest[:2]} == {(1, STEPS - 1), (2, 3)}
    wrong = scored.wrong_by()
    assert [f["wrong"] for f in hardest] == [True] * int((wrong > 0).sum()) + [False] * int((wrong <= 0).sum())
    assert scored.hardest(1, "alarm")[0]["row"] == STEPS - 1
    assert scored.hardest(1, "missed")[0]["number"] == 2
    assert all(frame["held_out"] for frame in scored.hardest(500, held_out=True))
    assert 0 < len(scored.hardest(500, held_out=True)) < len(hardest)


def test_a_word_changes_one_label_and_what_follows_from_it(root):
    with Editor(root) as editor:
        flip(editor, open_dataset(root).episode(1), STEPS, False)
        flip(editor, open_dataset(root).episode(0), STEPS, True)
    lost, won = open_dataset(root).episode(1), open_dataset(root).episode(0)
    assert (lost.outcome, won.outcome) == ("failure", "success")
    assert (lost.terminated[-1], lost.truncated[-1], lost.reward[-1]) == (False, True, 0.0)
    assert (won.terminated[-1], won.truncated[-1], won.reward[-1]) == (True, False, 1.0)
    assert labels_of(won).tolist() == [False] * STEPS + [True]
    assert won.meta["labelled_by"] == "person"


def test_what_the_page_is_told(root, folder):
    with HardestPage(root, load_classifier(folder), WebConfig()) as page:
        about = json.loads(get(page, "about"))
        assert (about["frames"], about["cameras"]) == (24 * (STEPS + 1), ["wrist"])
        assert about["charts"]["auc"] > 0.8, "the wrong labels may be among the held-out ones"
        assert sum(share for _, share, _ in about["charts"]["bins"]) == pytest.approx(1.0)
        first = json.loads(get(page, "hardest?kind=missed"))[0]
        assert (first["number"], first["row"]) == (2, 3)
        image = cv2.imdecode(np.frombuffer(get(page, "frame?number=2&camera=wrist&row=3"), np.uint8), 1)[..., ::-1]
        want = open_dataset(root).episode(2).obs[IMAGES + "wrist"][3]
        assert np.abs(image.astype(int) - want).mean() < 12, "the same picture, but for JPEG"
        for wrong in ("hardest?kind=odd", "frame?number=2&camera=wirst&row=3", "frame?number=2&camera=wrist&row=99"):
            with pytest.raises(HTTPError) as refused:
                get(page, wrong)
            assert refused.value.code == 400


@pytest.mark.timeout(60)
def test_a_judgement_that_is_refused_says_why_and_changes_nothing(root, folder):
    with HardestPage(root, load_classifier(folder), WebConfig()) as page:
        for message in (
            {"judge": "frame", "number": 2, "row": 0, "success": True},
            {"judge": "frame", "number": 99, "row": 1, "success": True},
            {"judge": "frame"},
        ):
            page.on_message(1, message)
        page._worker.submit(lambda: None).result(30)
        end = time.monotonic() + 10.0
        while (state := json.loads(page.server._state)).get("serial", 0) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        assert (state["serial"], state["version"]) == (3, 2)
        assert "reload" in state["error"]


@pytest.mark.timeout(180)
def test_she_corrects_a_label_and_takes_it_back(root, folder, browser):
    served = HardestPage(root, load_classifier(folder), WebConfig())
    with served, chromium.open_page(browser, served.server.url) as page:
        page.wait_for_selector("#connection.good")
        page.select_option("#kind", "missed")
        page.wait_for_selector("#frames article:first-child[data-frame='2:3'].wrong")
        chromium.wait_for(page, "document.querySelector('#frames img').naturalWidth === 32")
        assert "held out" in page.inner_text("#summary")
        before = page.inner_text("#summary")
        page.click("#frames article:first-child button")
        chromium.wait_for(page, "(old) => document.getElementById('summary').textContent !== old", arg=before)
        assert "no success" in page.inner_text("#said")
        assert not labels_of(open_dataset(root).episode(2)).any()
        page.wait_for_selector("#frames article[data-frame='2:3']", state="detached")
        page.click("#undo")
        page.wait_for_selector("#frames article:first-child[data-frame='2:3'].wrong")
        assert labels_of(open_dataset(root).episode(2))[3]
        drawn = "[...document.querySelectorAll('canvas')].every((c) => new Set(c.getContext('2d')"
        drawn += ".getImageData(0, 0, c.width, c.height).data).size > 3)"
        assert page.evaluate(drawn), "both charts"
        assert not page.complaints
        assert all(url.startswith(served.server.url) or url.startswith("ws") for url in page.asked)

"""The report of a made-up run: statistics by hand, figures as recorded, one page without anything outside it."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from robot_rl.apps import report
from robot_rl.core.errors import DatasetError
from robot_rl.report import figures as benchmark_figures
from robot_rl.report.axes import Axes, nice_ticks
from robot_rl.report.filmstrip import MOST_FRAMES, film
from robot_rl.report.page import render
from robot_rl.report.run_folder import figures, read_run, write_json
from robot_rl.report.statistics import running_rate, wilson

sys.path.insert(0, str(Path(__file__).parent))
from synthetic_run import evaluation, write_run


def test_wilson_by_hand() -> None:
    # 45 of 50: (0.9 + 3.8416/100 +- 1.96 sqrt(0.09/50 + 3.8416/10000)) / (1 + 3.8416/50)
    assert wilson(45, 50) == pytest.approx((0.78640, 0.95652), abs=2e-5)
    assert wilson(0, 50)[0] == 0.0
    assert wilson(50, 50)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_running_rate() -> None:
    assert running_rate([True, False, True, True], 2).tolist() == [1.0, 0.5, 0.5, 1.0]


def test_ticks_are_round_and_inside() -> None:
    assert nice_ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    ticks = nice_ticks(-0.013, 0.37)
    assert all(-0.013 <= t <= 0.37 for t in ticks)
    assert len(ticks) >= 3


def test_data_reach_the_corners() -> None:
    axes = Axes(x=(0.0, 2.0), y=(-1.0, 1.0))
    assert axes.px(2.0) == axes.width - 16
    assert axes.py(1.0) == 14


def test_film_keeps_its_frames() -> None:
    long = {"a": np.zeros((300, 8, 8, 3), np.uint8), "b": np.zeros((299, 8, 8, 3), np.uint8)}
    strip = film(long)
    assert (strip.frames, strip.width, strip.height, strip.rows[-1]) == (MOST_FRAMES, 8, 16, 298)


def test_evaluation_survives_json() -> None:
    before = evaluation(0.5, 20)
    assert type(before).from_json(json.loads(json.dumps(before.to_json()))) == before


class Links(HTMLParser):
    """Collects what a page refers to."""

    found: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [v or "" for k, v in attrs if k in ("src", "href")]


def test_page_is_self_contained(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", steps=12)
    report.main(report.Config(run=folder))
    page = (folder / "report.html").read_text(encoding="utf-8")
    parser = Links()
    parser.found = []
    parser.feed(page)
    assert parser.found == []
    assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", page))
    assert "nan" not in re.sub(r"data:image[^)]*", "", page).lower().split()
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    expected = evaluation(0.5, 50)
    assert found["success_before"] == expected.success
    assert found["success_before_interval"] == pytest.approx(list(expected.interval))
    assert found["passivity_violations"] == 0
    assert found["env_steps"] > 10_000
    assert found["wall_s"] == 597


def test_ages_overruns_and_a_persons_share_are_shown_part_by_part(tmp_path: Path, capsys) -> None:
    folder = write_run(tmp_path / "run", steps=12)
    report.main(report.Config(run=folder))
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))["ledgers"]
    assert set(found) == {"online", "deployed"}
    deployed, online = found["deployed"], found["online"]
    assert (deployed["steps"], deployed["person"], deployed["interventions"]) == (12, 3, 1)
    assert (deployed["person_share"], deployed["overruns"], deployed["missed"]) == (0.25, 1, 2)
    assert deployed["ages"]["action_age"]["mean"] == pytest.approx(0.05)
    assert deployed["ages"]["action_age"]["most"] == pytest.approx(0.05)
    assert "weights_age" not in deployed["ages"]
    assert (online["steps"], online["person"]) == (2200, 220)
    assert online["ages"]["weights_age"] == {"steps": 2200, "mean": None, "most": 4.5}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>Freshness</h2>" in page
    assert "50.0 ms, at most 50.0 ms" in page
    assert "at most 4500.0 ms" in page
    assert "nan" not in re.sub(r"data:image[^)]*", "", page).lower().split()
    assert "overruns, deployed" in capsys.readouterr().out


def test_violations_are_shown_as_they_are(tmp_path: Path) -> None:
    bad = evaluation(0.5, 3).to_json()
    bad["episodes"][1] |= {"violations": 7, "worst_ratio": 1.4}
    write_json(tmp_path / "after.json", bad)
    run = read_run(tmp_path)
    found = figures(run)
    assert (found["passivity_violations"], found["worst_energy_ratio"]) == (7, 1.4)
    assert 'value bad">7<' in render(run, found)


def test_a_run_that_stopped_early_still_has_a_page(tmp_path: Path) -> None:
    write_json(tmp_path / "before.json", evaluation(0.5, 5).to_json())
    run = read_run(tmp_path)
    assert figures(run)["success_after"] is None
    assert "<svg" in render(run, figures(run))


@pytest.mark.parametrize("content", ["{", "[1]", '{"task": "reach"}'])
def test_damaged_files_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "after.json").write_text(content)
    with pytest.raises(DatasetError, match=r"after\.json"):
        read_run(tmp_path)


SCRIPT = """print('noise'); print('RESULT {"benchmark": "tick", "figures": {"p50_us": 3.14159, "with": {"wall": 5}},'
 ' "peers": {"other": {"p50_us": 99.0}}, "limit": {"p50_us": 1.5}, "machine": {"cores": 2}}')"""


def test_benchmark_results_become_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(SCRIPT)
    bad.write_text("raise SystemExit(1)")
    for scripts in ([good], [good, bad]):
        monkeypatch.setattr("sys.argv", ["figures", str(tmp_path), *map(str, scripts)])
        if bad in scripts:
            with pytest.raises(SystemExit, match=r"bad\.py failed"):
                benchmark_figures.main()
        else:
            benchmark_figures.main()
        page = (tmp_path / "figures.md").read_text()
        assert page.count("## tick") == 1
        assert "| figure | ours | other | limit |" in page
        assert "| p50_us | 3.142 | 99 | 1.5 |" in page
        assert "| with wall | 5 |  |  |" in page

"""The report as one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from robot_rl.report import charts
from robot_rl.report.filmstrip import film
from robot_rl.report.ledgers import table as ledger_table
from robot_rl.report.records import Run, Trace


def percent(share: float | None) -> str:
    """A share for people."""
    return "–" if share is None else f"{100 * share:.0f} %"


def render(run: Run, figures: Mapping[str, Any]) -> str:
    """The page as HTML text."""
    sections = [_header(run, figures), _cards(figures), _success(run)]
    if len(run.learning) > 1:
        curve = charts.learning_curve(run.learning, run.evaluations)
        about = "Every dot is an episode of the actor: at the top it succeeded, at the bottom it did not. "
        about += "The band is one standard error."
        sections.append(_section("Learning on the fly", about, curve))
    if run.trace is not None:
        sections.append(_deployment(run.trace))
    sections.append(_contact_and_time(run))
    if run.ledgers:
        sections.append(_freshness(run))
    if run.settings:
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in run.settings.items())
        sections.append(_section("What was run", "", f"<table>{rows}</table>"))
    style, script = (files("robot_rl.report").joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    head = f'<meta charset="utf-8"><title>{escape(run.task)} – {escape(run.name)}</title>'
    head += f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style>'
    body = f"<main>{''.join(sections)}</main><script>{script}</script>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _section(title: str, about: str, *parts: str) -> str:
    note = f"<p>{about}</p>" if about else ""
    return f"<section><h2>{escape(title)}</h2>{note}{''.join(parts)}</section>"


def _header(run: Run, figures: Mapping[str, Any]) -> str:
    before, after = percent(figures["success_before"]), percent(figures["success_after"])
    story = f'<strong>{before}</strong><span class="arrow">→</span><strong class="good">{after}</strong>'
    name = escape(run.task.replace("_", " "))
    about = f"Success over {figures['evaluation_episodes']} seeded episodes, before and after fine-tuning"
    title = f"<div><h1>{name}</h1><p>{about} · run {escape(run.name)}</p></div>"
    return f'<header>{title}<div class="story">{story}</div></header>'


def _cards(figures: Mapping[str, Any]) -> str:
    violations, ratio = figures["passivity_violations"], figures["worst_energy_ratio"]
    deployed = percent(figures["success_deployed"])
    steps = figures["env_steps"]
    cards = (
        ("passivity violations", f"{violations}", "control ticks that spent more energy than allowed", violations == 0),
        ("worst energy ratio", f"{ratio:.2f}", "work done / budget; 1 is the bound", ratio <= 1.0),
        ("peak contact force", f"{figures['peak_force_n']:.0f} N", "over all evaluated and deployed episodes", None),
        ("deployed", deployed, f"{figures['deployed_episodes'] or 0} episodes on the ROS 2 graph, real time", None),
        ("environment steps", "–" if steps is None else f"{steps:,}".replace(",", " "), "of online fine-tuning", None),
        ("wall time", charts.minutes(figures["wall_s"]), "the whole run", None),
    )
    return f'<div class="cards">{"".join(_card(*card) for card in cards)}</div>'


def _card(name: str, value: str, about: str, good: bool | None) -> str:
    kind = "" if good is None else (" good" if good else " bad")
    return f'<div class="card"><span>{name}</span><b class="value{kind}">{value}</b><small>{about}</small></div>'


def _success(run: Run) -> str:
    if not run.evaluations:
        return ""
    bars, grid = charts.success_bars(run.evaluations), charts.seed_grid(run.evaluations)
    about = "The same seeds before and after: each square is one start."
    return _section("Before and after", about, f'<div class="two"><div>{bars}</div><div>{grid}</div></div>')


def _deployment(trace: Trace) -> str:
    ledger = f"{charts.energy_chart(trace)}{charts.force_chart(trace)}"
    about = (
        "One deployed episode on the ROS 2 graph, in real time: the one with the hardest contact. The promise is that "
        "the work done on the arm stays under the budget, whatever the policy asks for."
    )
    if not trace.images:
        return _section("Deployment and its energy ledger", about, ledger)
    strip = film(trace.images)
    scale = 2.2
    width, height = strip.width * scale, strip.height * scale
    times = [round(float(trace.time[min(row, len(trace.time) - 1)]), 3) for row in strip.rows]
    data = {"frames": strip.frames, "width": width, "times": times, "end": float(trace.time[-1])}
    sheet = f"width:{width:.0f}px;height:{height:.0f}px;background-image:url({strip.uri});"
    sheet += f"background-size:{width * strip.frames:.0f}px {height:.0f}px"
    names = "".join(f"<span>{escape(name)}</span>" for name in strip.cameras)
    player = (
        f"<div class='film' data-film='{escape(json.dumps(data))}'><div class='screen' style='{sheet}'>{names}</div>"
        f"<div class='controls'><button type='button'>pause</button><input type='range' min='0' "
        f"max='{strip.frames - 1}' value='0' aria-label='frame'><output></output></div></div>"
    )
    return _section("Deployment and its energy ledger", about, f'<div class="stage">{player}<div>{ledger}</div></div>')


def _contact_and_time(run: Run) -> str:
    groups = {name: evaluation.episodes for name, evaluation in run.evaluations.items()}
    if run.deployment:
        groups["deployed"] = run.deployment.episodes
    parts = []
    if any(len(episodes) for episodes in groups.values()):
        parts.append(f"<div><h3>Contact force</h3>{charts.force_strips(groups)}</div>")
    timing = dict(run.deployment.timing) if run.deployment else {}
    rows = "".join(f"<tr><th>{escape(words(k))}</th><td>{_number(v)}</td></tr>" for k, v in timing.items())
    if rows:
        parts.append(f"<div><h3>Loop timing of the deployment</h3><table>{rows}</table></div>")
    bar = charts.phase_bar(run.phases) if run.phases else ""
    title = f"<h3>Where the time went</h3>{bar}" if bar else ""
    return _section("Contact and time", "", f'<div class="two">{"".join(parts)}</div>', title)


def _freshness(run: Run) -> str:
    head, *body = ledger_table(run.ledgers)
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in line[1:]) for line in body]
    table = "".join(f"<tr><th>{escape(line[0])}</th>{rest}</tr>" for line, rest in zip(body, lines, strict=True))
    about = "How old observations, actions and weights were when the arm got its command, what came too late, and who "
    about += "had the arm: kept with every step, in the datasets themselves."
    return _section("Freshness", about, f"<table><tr>{cells}</tr>{table}</table>")


def words(name: str) -> str:
    """The name of a figure for people, with its unit."""
    return name.replace("_", " ").replace(" us", " [µs]").replace(" ms", " [ms]")


def _number(value: float) -> str:
    whole = abs(value) >= 100 or float(value).is_integer()
    return f"{value:,.0f}".replace(",", " ") if whole else f"{np.round(value, 3):g}"

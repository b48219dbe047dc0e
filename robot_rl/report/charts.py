"""The charts of a report, each a piece of HTML with a hand-made SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from robot_rl.actor.rollout import EpisodeResult
from robot_rl.report.axes import AMBER, BLUE, GREEN, INK, MUTED, RED, VIOLET, Axes, legend, line, nice_ticks, text
from robot_rl.report.records import Evaluation, Trace
from robot_rl.report.statistics import running_rate

SHADES = ("#9db8f2", "#7fd1ae", "#f2c078", "#c3b1ee", "#f0a3a3", "#8fc9e8", "#d5cf7a", "#b6c2cf")


def success_bars(evaluations: Mapping[str, Evaluation]) -> str:
    """Success rate of each evaluation with its 95 % interval."""
    width, step = 500, 44
    axes = Axes(x=(0.0, 1.0), y=(0.0, 1.0), width=width, height=step * len(evaluations) + 56)
    left, right = 106, width - 70
    px = lambda share: left + share * (right - left)  # noqa: E731
    marks = [line((px(s), 6), (px(s), axes.height - 46), "#e6eaef") for s in (0, 0.25, 0.5, 0.75, 1)]
    marks += [text(px(s), axes.height - 28, f"{s:.0%}") for s in (0, 0.25, 0.5, 0.75, 1)]
    marks.append(text((left + right) / 2, axes.height - 8, "success rate and its 95 % interval"))
    for row, (name, evaluation) in enumerate(evaluations.items()):
        y, colour = 10 + step * row, SHADES[0] if row == 0 else BLUE
        low, high = evaluation.interval
        marks.append(text(left - 12, y + 19, name, "end", INK, 14))
        length = px(evaluation.success) - left
        marks.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="28" rx="4" fill="{colour}"/>')
        marks.append(line((px(low), y + 14), (px(high), y + 14), INK, 1.6))
        marks += [line((px(s), y + 8), (px(s), y + 20), INK, 1.6) for s in (low, high)]
        count = f"{evaluation.successes}/{len(evaluation.episodes)}"
        marks.append(text(width - 58, y + 19, count, "start", INK, 14))
    return axes.svg("".join(marks))


def seed_grid(evaluations: Mapping[str, Evaluation]) -> str:
    """One square per seed: which starts succeed, before and after."""
    rows = []
    for name, evaluation in evaluations.items():
        cells = "".join(
            f'<b class="{"won" if e.success else "lost"}" title="seed {e.seed}: '
            f'{"success" if e.success else "no success"} after {e.steps} steps"></b>'
            for e in evaluation.episodes
        )
        rows.append(f'<div class="seeds"><span>{escape(name)}</span><div>{cells}</div></div>')
    return "".join(rows) + legend((("success", GREEN), ("no success", RED)))


def learning_curve(episodes: Sequence[tuple[float, bool]], evaluations: Mapping[str, Evaluation]) -> str:
    """Success of the online episodes (environment steps so far, success) as a running rate."""
    steps = np.array([s for s, _ in episodes])
    won = [w for _, w in episodes]
    window = max(5, min(40, len(won) // 4))
    rate = running_rate(won, window)
    count = np.minimum(np.arange(1, len(won) + 1), window)
    half = np.sqrt(rate * (1 - rate) / count + 1e-4)
    first = min(4, len(won) - 1)  # a rate over fewer episodes says nothing
    axes = Axes(x=(0.0, float(steps[-1])), y=(0.0, 1.05), width=980, height=300)
    marks = [axes.grid("environment steps", "success rate", percent=True)]
    entries = [(f"online, last {window} episodes (exploring)", BLUE)]
    for (name, evaluation), colour in zip(evaluations.items(), (MUTED, GREEN), strict=False):
        marks.append(axes.curve((0, steps[-1]), [evaluation.success] * 2, colour, 1.5, "5 4"))
        entries.append((f"{name}, evaluated", colour))
    marks.append(axes.band(steps[first:], np.clip(rate - half, 0, 1)[first:], np.clip(rate + half, 0, 1)[first:], BLUE))
    marks.append(axes.dots(steps, [1.0 if w else 0.0 for w in won], [GREEN if w else RED for w in won], 2.2))
    marks.append(axes.curve(steps[first:], rate[first:], BLUE, 2.4))
    return legend(entries) + axes.svg("".join(marks))


def energy_chart(trace: Trace) -> str:
    """The ledger over one episode: work done stays under its budget."""
    top = 1.12 * max(float(np.max(trace.budget)), float(np.max(trace.tank)), 0.1)
    low = min(0.0, float(np.min(trace.work)) * 1.1)
    axes = Axes(x=(0.0, float(trace.time[-1])), y=(low, top), width=620, height=230)
    curves = (("tank", trace.tank, BLUE), ("springs", trace.spring, VIOLET), ("work on the arm", trace.work, AMBER))
    marks = [axes.grid("time [s]", "energy [J]"), axes.curve(trace.time, trace.budget, RED, 1.6, "6 4")]
    marks += [axes.curve(trace.time, values, colour) for _, values, colour in curves]
    entries = [(name, colour) for name, _, colour in curves]
    return legend([("budget", RED), *entries]) + axes.svg("".join(marks), "energy")


def force_chart(trace: Trace) -> str:
    """Contact force and the filter's intervention over one episode."""
    top = 1.15 * max(float(np.max(trace.force)), 1.0)
    axes = Axes(x=(0.0, float(trace.time[-1])), y=(0.0, top), width=620, height=190)
    withheld = (1.0 - trace.scale) * top
    marks = [axes.grid("time [s]", "force [N]")]
    marks.append(axes.band(trace.time, np.zeros_like(withheld), withheld, RED))
    marks.append(axes.curve(trace.time, trace.force, INK))
    entries = (("largest contact force per step", INK), ("share of motion withheld by the filter", "#f0c4c4"))
    return legend(entries) + axes.svg("".join(marks), "force")


def force_strips(groups: Mapping[str, Sequence[EpisodeResult]]) -> str:
    """Largest contact force of every episode, one row of dots per group."""
    top = max((e.peak_force for episodes in groups.values() for e in episodes), default=1.0)
    width, step, left = 500, 48, 106
    axes = Axes(x=(0.0, 1.08 * max(top, 1.0)), y=(0.0, 1.0), width=width, height=step * len(groups) + 60)
    scale = (width - left - 20) / axes.x[1]
    marks = []
    for tick in nice_ticks(*axes.x, count=6):
        x = left + tick * scale
        marks += [line((x, 6), (x, axes.height - 48), "#e6eaef"), text(x, axes.height - 30, f"{tick:g}")]
    marks.append(text(left + axes.x[1] * scale / 2, axes.height - 8, "largest contact force of an episode [N]"))
    for row, (name, episodes) in enumerate(groups.items()):
        middle = 26 + step * row
        marks.append(text(left - 12, middle + 5, name, "end", INK, 14))
        for i, episode in enumerate(episodes):
            x, y = left + episode.peak_force * scale, middle + ((i * 7) % 11 - 5) * 2.4
            colour = GREEN if episode.success else RED
            marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}" fill-opacity="0.6"/>')
    return axes.svg("".join(marks)) + legend((("success", GREEN), ("no success", RED)))


def phase_bar(phases: Sequence[tuple[str, float]]) -> str:
    """Where the wall time went."""
    total = sum(seconds for _, seconds in phases) or 1.0
    parts = "".join(
        f'<div style="flex:{max(seconds / total, 0.004):.4f};background:{SHADES[i % len(SHADES)]}" '
        f'title="{escape(name)}: {seconds:.0f} s"></div>'
        for i, (name, seconds) in enumerate(phases)
    )
    entries = [(f"{name} {minutes(seconds)}", SHADES[i % len(SHADES)]) for i, (name, seconds) in enumerate(phases)]
    return f'<div class="phases">{parts}</div>{legend(entries)}'


def minutes(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"

"""Hand-made SVG: a frame with axes, and the marks that go into it. Everything returns SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike

INK, MUTED, GRID = "#1f2933", "#66788a", "#e6eaef"
BLUE, GREEN, RED, AMBER, VIOLET = "#2563eb", "#15935b", "#d64545", "#d98a0b", "#7c5cd6"
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 14, 42


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from ``low`` to ``high``, about ``count`` of them."""
    span = max(high - low, 1e-12)
    step = 10 ** math.floor(math.log10(span / count))
    step *= min((m for m in (1, 2, 2.5, 5, 10) if span / (step * m) <= count), default=10)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """A number for a tick: 12000 as 12k."""
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}"


def text(x: float, y: float, content: str, anchor: str = "middle", colour: str = MUTED, size: int = 12) -> str:
    """A piece of text with its anchor at (x, y)."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-size="{size}">{escape(content)}</text>'


def line(a: tuple[float, float], b: tuple[float, float], colour: str, width: float = 1.0, dash: str = "") -> str:
    """A straight line between two points."""
    style = f'stroke="{colour}" stroke-width="{width}"' + (f' stroke-dasharray="{dash}"' if dash else "")
    return f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" {style}/>'


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Maps data to pixels in a drawing of ``width`` by ``height``."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 640
    height: int = 260

    def px(self, x: ArrayLike) -> np.ndarray:
        """Horizontal pixel of data ``x``, any shape."""
        low, high = self.x
        return LEFT + (np.asarray(x, float) - low) / max(high - low, 1e-12) * (self.width - LEFT - RIGHT)

    def py(self, y: ArrayLike) -> np.ndarray:
        """Vertical pixel of data ``y``, any shape."""
        low, high = self.y
        return self.height - BOTTOM - (np.asarray(y, float) - low) / max(high - low, 1e-12) * self.inner

    @property
    def inner(self) -> int:
        """Height of the plotting area [px]."""
        return self.height - TOP - BOTTOM

    def grid(self, x_label: str, y_label: str, percent: bool = False) -> str:
        """Grid lines, ticks and labels."""
        marks = []
        for tick in nice_ticks(*self.y, count=5):
            y = float(self.py(tick))
            marks.append(line((LEFT, y), (self.width - RIGHT, y), GRID))
            marks.append(text(LEFT - 8, y + 4, f"{tick * 100:g} %" if percent else short(tick), "end"))
        for tick in nice_ticks(*self.x, count=7):
            marks.append(text(float(self.px(tick)), self.height - BOTTOM + 18, short(tick)))
        marks.append(text((LEFT + self.width - RIGHT) / 2, self.height - 6, x_label))
        marks.append(f'<g transform="translate(14 {TOP + self.inner / 2:.0f}) rotate(-90)">{text(0, 0, y_label)}</g>')
        return "".join(marks)

    def curve(self, x: ArrayLike, y: ArrayLike, colour: str, width: float = 2.0, dash: str = "") -> str:
        """A polyline through (n,) points."""
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(self.px(x), self.py(y), strict=True))
        style = f'stroke="{colour}" stroke-width="{width}"' + (f' stroke-dasharray="{dash}"' if dash else "")
        return f'<polyline points="{points}" fill="none" stroke-linejoin="round" {style}/>'

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> str:
        """A shaded area between two curves of (n,) points."""
        x = np.asarray(x, float)
        px, py = self.px(np.concatenate([x, x[::-1]])), self.py(np.concatenate([high, np.asarray(low)[::-1]]))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))
        return f'<polygon points="{points}" fill="{colour}" fill-opacity="0.14"/>'

    def dots(self, x: ArrayLike, y: ArrayLike, colours: Sequence[str], radius: float = 3.0) -> str:
        """One dot per point, (n,)."""
        place = zip(self.px(x), self.py(y), colours, strict=True)
        return "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius}" fill="{c}" fill-opacity="0.75"/>' for a, b, c in place
        )

    def svg(self, content: str, name: str = "") -> str:
        """The finished drawing."""
        identity = f' id="{name}" data-x0="{LEFT}" data-x1="{self.width - RIGHT}"' if name else ""
        cursor = line((0, TOP), (0, self.height - BOTTOM), INK, 1.0).replace("<line", '<line class="cursor"')
        box = f'viewBox="0 0 {self.width} {self.height}" role="img"'
        return f"<svg {box}{identity}>{content}{cursor if name else ''}</svg>"


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Coloured names above a chart."""
    items = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in entries)
    return f'<div class="legend">{items}</div>'

"""What a command shows while it works: a line that says what happens now, and a bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[float, str], None]
"""Called with the total done so far and a few words."""


@contextmanager
def bar(title: str, total: float) -> Iterator[Advance]:
    """A progress bar on a terminal; elsewhere a line at the start, every 15 s, and at the end."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        with _lines(console, title, total) as advance:
            yield advance
        return
    words = (TextColumn("{task.description}"), TextColumn("[dim]{task.fields[note]}"))
    columns = (SpinnerColumn(), words[0], BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), words[1])
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=total, note="")
        yield lambda done, note: progress.update(task, completed=done, note=note)


@contextmanager
def _lines(console: Console, title: str, total: float) -> Iterator[Advance]:
    started = last = time.monotonic()
    note, done = "", 0.0
    console.print(f"{title} ...", soft_wrap=True)

    def advance(now_done: float, now_note: str) -> None:
        nonlocal last, note, done
        note, done = now_note, now_done
        if time.monotonic() - last > 15:
            last = time.monotonic()
            console.print(f"  {done:g}/{total:g} {note}", markup=False)

    yield advance
    seconds = time.monotonic() - started
    console.print(f"  {title}: {done:g}/{total:g} in {seconds:.0f} s, {note}", markup=False, soft_wrap=True)

"""What a computer offers a loop of 1 kHz, in plain words, each lack with the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from controllers.loop.jitter import Jitter
from controllers.loop.realtime import LATE, LATENCY, refusals
from robot_rl.report.machine import Finding, locked_memory, real_time


def realtime_findings(jitter: Jitter) -> Iterator[Finding]:
    """Every finding about real time, the measured one first."""
    yield lateness(jitter)
    yield real_time()
    yield locked_memory()
    yield robots(jitter)
    yield faults(jitter)
    yield preemption()
    yield governor()
    yield idle_states(jitter)
    yield isolated()
    yield bandwidth()


def lateness(jitter: Jitter) -> Finding:
    """Whether the loop woke in time."""
    good = jitter.p99 <= LATE and jitter.missed == 0
    text = f"wakes {jitter.p50 * 1e6:.0f} us late (p99 {jitter.p99 * 1e6:.0f}, p99.9 {jitter.p999 * 1e6:.0f}, "
    text += f"worst {jitter.largest * 1e6:.0f}), {jitter.missed} of {jitter.rounds} periods missed"
    remedy = "stop other work, or see the lines below" if jitter.fifo else "give it real-time priority first, see below"
    return Finding(name="1 kHz loop", present=good, text=text, remedy=remedy, needed=False)


def robots(jitter: Jitter) -> Finding:
    """Whether a robot would be activated here: what the arm's process asks itself, before every start."""
    reasons = list(refusals(fifo=jitter.fifo, locked=locked_memory().present, p99=jitter.p99))
    text = f"a robot would not be activated: {'; '.join(reasons)}" if reasons else "a robot may be activated"
    remedy = "see the lines above; for trials only: soft_realtime: true under robot in its station file"
    return Finding(name="robots", present=not reasons, text=text, remedy=remedy, needed=False)


def faults(jitter: Jitter) -> Finding:
    """Memory that is there before the loop needs it."""
    text = f"{jitter.faults} page faults in {jitter.rounds} rounds, with stack and heap touched before"
    remedy = "free some memory; lock the memory, see above"
    return Finding(name="page faults", present=jitter.faults == 0, text=text, remedy=remedy, needed=False)


def preemption() -> Finding:
    """A kernel that interrupts itself."""
    good = _read("/sys/kernel/realtime") == "1"
    text = "PREEMPT_RT" if good else "an ordinary kernel: now and then late by milliseconds; enough for the twin"
    remedy = "sudo pro enable realtime-kernel (Ubuntu), or: sudo apt-get install -y linux-image-rt-amd64 (Debian)"
    return Finding(name="kernel", present=good, text=text, remedy=remedy, needed=False)


def governor() -> Finding:
    """Processors that stay at their full speed."""
    modes = {_read(str(p)) for p in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")}
    good = modes <= {"performance"}
    text = f"governor {', '.join(sorted(modes))}" if modes else "no frequency scaling here"
    remedy = "sudo cpupower frequency-set -g performance"
    return Finding(name="frequency", present=good, text=text, remedy=remedy, needed=False)


def idle_states(jitter: Jitter) -> Finding:
    """Processors that do not sleep deeply: waking costs up to 0.2 ms."""
    folder = Path("/sys/devices/system/cpu/cpu0/cpuidle")
    states = sorted(folder.glob("state*/latency")) if folder.is_dir() else []
    slowest = max((int(_read(str(p)) or 0) for p in states), default=0)
    text = f"waking from the deepest sleep takes {slowest} us" if states else "no idle states to be seen here"
    text += f"; the arm's process keeps {LATENCY} open at 0" if jitter.awake else f"; {LATENCY} cannot be opened"
    remedy = f"sudo chmod o+w {LATENCY}, in a udev rule to make it last; or boot with processor.max_cstate=1"
    return Finding(name="idle states", present=jitter.awake or slowest <= 100, text=text, remedy=remedy, needed=False)


def isolated() -> Finding:
    """A processor that other programs leave alone."""
    cpus = _read("/sys/devices/system/cpu/isolated")
    text = f"isolated: {cpus}; give one to the arm with cpu: in its station file" if cpus else "no isolated processor"
    remedy = "boot with isolcpus=3 nohz_full=3 rcu_nocbs=3, and cpu: 3 in the station file"
    return Finding(name="isolation", present=bool(cpus), text=text, remedy=remedy, needed=False)


def bandwidth() -> Finding:
    """Real-time threads that are not throttled."""
    limit = _read("/proc/sys/kernel/sched_rt_runtime_us")
    good = limit in {"", "-1"}
    text = f"real-time threads get {100 if good else int(limit) / 1e4:.0f} % of a processor"
    return Finding(
        name="throttling", present=good, text=text, remedy="sudo sysctl kernel.sched_rt_runtime_us=-1", needed=False
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""

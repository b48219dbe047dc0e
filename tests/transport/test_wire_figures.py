"""What the benchmarks of the wire promise on any machine: sizes, delivery, and how soon an actor is back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def figures(name: str) -> dict[str, float]:
    call = [sys.executable, str(BENCHMARKS / name), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=200, check=True)
    return json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["figures"]


@pytest.mark.timeout(220)
def test_a_transition_costs_its_frames_once() -> None:
    found = figures("transport.py")
    raw = (2 * 128 * 128 * 3 + 19 * 4) / 1e6
    assert raw < found["mb_per_transition"] <= 0.1
    assert found["transitions_per_s"] > 100
    assert found["tls_transitions_per_s"] > 100


@pytest.mark.timeout(220)
def test_weights_arrive_and_an_actor_is_back_soon_after_an_outage() -> None:
    found = figures("weights.py")
    assert 0 < found["publish_50mb_ms"] < found["applied_50mb_ms"]
    assert found["applied_50mb_tls_best_ms"] < 2000
    assert found["adopt_50mb_ms"] < 5.0, "a control thread copies weights"
    outages = [found[name] for name in ("reconnect_s", "reconnect_tls_s", "reconnect_after_a_hole_s")]
    assert min(outages) < 2.0, "even without other work on this machine an actor is slow to come back"
    assert max(outages) < 10.0

"""Updates follow the steps, and actors are held to a bounded lead."""

import pytest

from robot_rl.learner.pace import Pace


@pytest.mark.parametrize("utd", [0.5, 1.0, 4.0])
def test_updates_follow_the_steps(utd) -> None:
    pace = Pace(utd=utd, learning_starts=10, max_lead=20)
    updates = 0
    for env_steps in range(200):
        while pace.owed(env_steps, updates):
            updates += 1
        assert updates == (0 if env_steps < 10 else pytest.approx((env_steps - 9) * utd, abs=1))


def test_actors_wait_until_half_of_the_lead_is_made_up() -> None:
    pace = Pace(utd=2.0, learning_starts=100, max_lead=20)
    assert not pace.paused(100, 0, was=False)
    assert not pace.paused(120, 0, was=False)
    assert pace.paused(121, 0, was=False)
    assert pace.paused(121, 20, was=True)
    assert not pace.paused(121, 20, was=False)
    assert not pace.paused(121, 22, was=True)


def test_free_running_never_asks_to_wait() -> None:
    pace = Pace(utd=0.0, learning_starts=5, max_lead=1)
    assert not pace.owed(4, 0)
    assert pace.owed(5, 1_000_000)
    assert not pace.paused(1_000_000, 0, was=True)

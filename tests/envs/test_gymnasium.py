"""The twin as Gymnasium environments."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from robot_rl.envs import gymnasium_env


@pytest.mark.parametrize("name", list(gymnasium_env.IDS))
def test_gymnasiums_own_checker_passes(name):
    env = gym.make(name)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_equal_seeds_give_bit_equal_episodes():
    def episode():
        env = gym.make("robot_rl/PegInsert-v0")
        rng = np.random.default_rng(0)
        obs, _ = env.reset(seed=11)
        seen = [obs]
        for _ in range(15):
            obs, *_ = env.step(rng.uniform(-1, 1, 6).astype(np.float32))
            seen.append(obs)
        env.close()
        return seen

    for one, two in zip(episode(), episode(), strict=True):
        assert all(np.array_equal(one[k], two[k]) for k in one)


def test_render_shows_the_front_camera_without_observing_it():
    env = gym.make("robot_rl/Reach-v0", render_mode="rgb_array")
    obs, _ = env.reset(seed=0)
    assert not any("images" in k for k in obs)
    image = env.render()
    assert image.shape == (128, 128, 3)
    assert image.std() > 5
    env.close()

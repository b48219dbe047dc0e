"""Images come from joints and object poses alone, cheaply, and show what moves."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from controllers.parameters.presets import preset
from robot_rl.core.errors import ConfigError, MissingDependencyError, RobotRLError
from sim import gl
from sim.renderer import SceneRenderer
from sim.scenes.registry import SCENES
from sim.twin import Twin


@pytest.fixture(scope="module")
def renderer():
    made = SceneRenderer("peg_insert", ("front", "wrist"))
    yield made
    made.close()


def picture(renderer: SceneRenderer, camera: str, hole: tuple[float, float] = (0.5, 0.0)) -> np.ndarray:
    pose = np.array([*hole, 0.04, 0.0, 0.0, 0.0, 1.0])
    return renderer.render(renderer.home, 0.02, {"hole": pose}, camera)


@pytest.mark.parametrize("camera", ["front", "wrist"])
def test_images_have_contrast_and_show_what_moves(renderer, camera):
    image = picture(renderer, camera)
    assert image.shape == (128, 128, 3)
    assert image.dtype == np.uint8
    assert image.std() > 25
    np.testing.assert_array_equal(image, picture(renderer, camera))
    moved = picture(renderer, camera, (0.52, 0.01))
    assert (np.abs(image.astype(int) - moved).max(axis=2) > 40).mean() > 0.005


def test_an_image_costs_at_most_8_ms_of_cpu(renderer):
    costs = []
    for i in range(40):
        started = time.process_time()
        picture(renderer, ("front", "wrist")[i % 2])
        costs.append(time.process_time() - started)
    assert np.median(costs) < 0.016  # twice the promise: other processes may share the machine


@pytest.mark.parametrize("scene", SCENES)
def test_the_twin_sees_its_own_scene(scene):
    with Twin(scene, preset("rl_explore"), ("front", "wrist"), image_size=(96, 64)) as twin:
        views = {}
        for name in ("front", "wrist"):
            frame = twin.camera(name).latest(0.1)
            assert frame.rgb.shape == (64, 96, 3)
            assert frame.stamp == twin.now()
            views[name] = frame.rgb
        twin.reset(1)
        assert (twin.camera("front").latest(0.1).rgb != views["front"]).any()
        twin.reset(0)
        for name, view in views.items():
            np.testing.assert_array_equal(twin.camera(name).latest(0.1).rgb, view)


def test_looking_does_not_change_what_happens():
    def run(cameras: tuple[str, ...]) -> bytes:
        with Twin("pick_cube", preset("rl_explore"), cameras) as twin:
            for _ in range(5):
                twin.advance(100)
                for name in cameras:
                    twin.camera(name).latest(0.1)
            return twin.state().q.tobytes() + twin.objects()["cube"].tobytes()

    assert run(()) == run(("front", "wrist"))


def test_a_wrong_camera_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="wrist"):
        SceneRenderer("reach", ("writs",))


def test_a_closed_renderer_says_so():
    made = SceneRenderer("reach", ("front",))
    made.close()
    made.close()
    with pytest.raises(RobotRLError, match="closed"):
        made.render(made.home, 0.0, {}, "front")


def test_without_gl_the_remedy_is_named(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(gl, "LIBRARIES", {"egl": ("libNone.so.1",)})
    with pytest.raises(MissingDependencyError, match="libegl1"):
        gl.choose_backend()


@pytest.mark.parametrize("backend", ["egl", "osmesa"])
def test_both_backends_draw_and_leave_quietly(backend):
    if not any(gl._loads(name) for name in gl.LIBRARIES[backend]):
        pytest.skip(f"{backend} is not installed")
    code = "from sim.renderer import SceneRenderer as R; r = R('reach', ('front',))\n"
    code += "assert r.render(r.home, 0.0, {}, 'front').std() > 20"
    env = {k: v for k, v in os.environ.items() if k != "PYOPENGL_PLATFORM"} | {"MUJOCO_GL": backend}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == ""

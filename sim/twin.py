"""The twin: a Panda in MuJoCo behind the same controller, the same records and the same protocols as a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import mujoco
import numpy as np

from controllers.impedance_controller import PassiveImpedance
from controllers.law.interpolation import hold
from controllers.law.state import energy_state, state_dtype
from controllers.law.tick import measure
from controllers.loop.plant import PlantPort
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.errors import StaleDataError
from robot_rl.core.names import check_name
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Command, Frame, RobotState
from sim.panda import OPENING_MAX
from sim.port import port_of
from sim.renderer import SceneRenderer
from sim.scenes.registry import make_scene
from sim.scenes.scene import object_poses, physics_model
from sim.stepper import COUNT, advance, plant_of
from sim.workbench import CAMERAS


class Twin:
    """A ``Robot`` whose time passes only in ``advance``: in lockstep, or in real time when a loop paces it.

    Equal seeds give bit-equal episodes, whatever was run before: ``reset`` sets everything, and time starts again at
    zero, so that the stamps are equal too.

    Args:
        scene: Name of the scene.
        controller: What the controller is told; its period is the physics step too.
        cameras: Cameras that will be asked for.
        image_size: Width and height of their images [pixels].
    """

    def __init__(
        self,
        scene: str,
        controller: ControllerConfig,
        cameras: Sequence[str] = (),
        image_size: tuple[int, int] = (128, 128),
    ) -> None:
        self.scene = make_scene(scene)
        self._home = self.scene.home()
        self.arm = replace(self.scene.arm(), home=self._home)
        self.period = controller.period
        self.model = physics_model(self.scene, self.period)
        self.data = mujoco.MjData(self.model)
        self.controller = PassiveImpedance(self.arm, controller)
        self.ticks = 0
        self._n = self.arm.n
        self._plant = plant_of(self.model, self.data, self._n)
        self._measured = np.zeros((), state_dtype(self._n))[()]
        self._cameras = tuple(check_name("camera", name, CAMERAS) for name in cameras)
        self._image_size = image_size
        self._renderer: SceneRenderer | None = None

    def __enter__(self) -> Twin:
        self.reset(0)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def now(self) -> float:
        """Time since the reset [s]."""
        return self.ticks * self.period

    def advance(self, ticks: int) -> None:
        """Run ``ticks`` control periods, one controller tick and one physics step each."""
        control = self.controller
        advance(control.model, control.config, control.state, self._plant, self.ticks, ticks)
        self.ticks += ticks

    def port(self) -> PlantPort:
        """What a loop in compiled code works on; while it runs, nothing else may advance or reset this twin."""
        return port_of(self.scene, self.model, self.data, self._n)

    def state(self) -> RobotState:
        """The measurement at this instant."""
        rec, now = self.controller.state, self._measured
        measure(self.controller.model, now, self._plant.q, self._plant.dq)
        return RobotState(
            stamp=self.now(),
            q=now["q"].copy(),
            dq=now["dq"].copy(),
            tau=rec["tau"].copy(),
            ee_pose=now["ee_pose"].copy(),
            ee_twist=now["ee_twist"].copy(),
            wrench=rec["wrench"].copy(),
            peak_force=float(rec["peak_force"]),
            reference=rec["goal"].copy(),
            gripper=self.gripper,
            energy=energy_state(rec),
        )

    @property
    def protective_stops(self) -> int:
        """How often the robot has stopped by itself since the reset, because a joint was too fast."""
        return int(self._plant.stop[COUNT])

    @property
    def gripper(self) -> float:
        """Opening between the fingers [m]."""
        if not self.scene.gripper.driven:
            return self.scene.gripper.opening
        return float(self.data.qpos[self._n] + self.data.qpos[self._n + 1])

    def objects(self) -> Poses:
        """Poses of the scene's objects."""
        return object_poses(self.scene, self.model, self.data)

    def send(self, command: Command) -> Command:
        """Hand a command to the controller; returned as accepted, with the target it will really go for.

        ``CommandRejectedError`` when it is not finite or out of range; the arm then holds.
        """
        self._submit(command)
        state = self.controller.state
        state["peak_force"] = 0.0
        opening = self.scene.gripper.opening
        if self.scene.gripper.driven:
            opening = min(max(command.gripper, 0.0), OPENING_MAX)
            self.data.ctrl[:2] = opening / 2
        return replace(command, pose=state["goal"].copy(), gripper=opening)

    def _submit(self, command: Command) -> None:
        self.controller.submit(command, self.now())

    def reset(self, seed: int) -> None:
        """Everything as at the start of the episode that belongs to ``seed``."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[: self._n] = self._home
        if self.scene.gripper.driven:
            self.data.qpos[self._n : self._n + 2] = self.scene.gripper.opening / 2
            self.data.ctrl[:2] = self.scene.gripper.opening / 2
        self.scene.randomise(self.model, self.data, np.random.default_rng(seed))
        mujoco.mj_forward(self.model, self.data)
        self.ticks = 0
        self._plant.stop[:2] = 0
        self.controller.reset(self._plant.q, self._plant.dq)

    def stop(self) -> None:
        """Hold here: the goal becomes the reference."""
        hold(self.controller.state)

    def camera(self, name: str) -> TwinCamera:
        """The camera of that name; it draws when it is asked."""
        return TwinCamera(self, check_name("camera", name, self._cameras))

    def image(self, camera: str) -> Frame:
        """Draw the scene as it is now."""
        if self._renderer is None:
            self._renderer = SceneRenderer(self.scene.name, self._cameras, self._image_size)
        rgb = self._renderer.render(self._plant.q, self.gripper, self.objects(), camera)
        return Frame(stamp=self.now(), rgb=rgb)


class TwinCamera:
    """A ``Camera`` that looks at a twin: every frame is of the instant it is asked for."""

    def __init__(self, twin: Twin, name: str) -> None:
        self.twin, self.name = twin, name

    def latest(self, max_age: float) -> Frame:
        """An image of this instant."""
        if max_age < 0:
            raise StaleDataError(f"{self.name}: no frame can be younger than {max_age} s; ask for a positive age")
        return self.twin.image(self.name)


class TwinClock:
    """A ``Clock`` that steps the physics instead of sleeping."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def now(self) -> float:
        """Time since the twin's reset [s]."""
        return self.twin.now()

    def sleep_until(self, stamp: float) -> None:
        """Advance the physics to the first tick at or after ``stamp`` [s]."""
        ticks = int(np.ceil((stamp - self.twin.now()) / self.twin.period - 1e-6))
        if ticks > 0:
            self.twin.advance(ticks)

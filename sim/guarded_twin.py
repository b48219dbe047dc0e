"""The twin with everything around the control law that a real arm has: phases, watchdogs, stops, the black box."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mujoco

from controllers.guard.collision import Shape
from controllers.guard.guarded_tick import guarded_tick
from controllers.guard.lifecycle import Ask
from controllers.guard.record import Box, GuardConfig, Guarded
from controllers.guard.supervisor import Measurement, Supervisor
from controllers.guard.watch import ASK_STOPPED, RECOVERY
from controllers.numeric.jit import kernel
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.records import Command, Source
from sim.native import call_model_data
from sim.stepper import ENGAGED, Plant, drive, protect
from sim.twin import Twin


@kernel
def report_stop(g: Guarded, plant: Plant) -> None:
    """Tell the guard while the robot stands by itself; a person's recovery releases its brakes."""
    if plant.stop[ENGAGED] == 0:
        return
    if g.guard[0].phase == RECOVERY:
        plant.stop[ENGAGED] = 0
        return
    g.state[0].tau[:] = 0.0
    g.guard[0].ask |= ASK_STOPPED


@kernel
def guarded_advance(g: Guarded, plant: Plant, start: int, ticks: int) -> None:
    """Run ``ticks`` periods from number ``start`` on, as ``stepper.advance`` does, with the guard around each tick."""
    for i in range(ticks):
        report_stop(g, plant)
        guarded_tick(g, plant.q, plant.dq, plant.tau_external, (start + i) * g.config[0].period)
        drive(g.state[0], plant, g.state[0].tau)
        call_model_data(plant.step, plant.model, plant.data)
        protect(g.arm[0], plant)


class GuardedTwin(Twin):
    """A twin whose controller is supervised.

    Args:
        scene: Name of the scene.
        controller: What the controller is told.
        settings: What the guard is told.
        shape: The arm's body and the scene for the collision check; None: no check.
        box: The black box; None: none.
        cameras: Cameras that will be asked for.
    """

    def __init__(
        self,
        scene: str,
        controller: ControllerConfig,
        settings: GuardConfig | None = None,
        shape: Shape | None = None,
        box: Box | None = None,
        cameras: Sequence[str] = (),
    ) -> None:
        super().__init__(scene, controller, cameras)
        self.epoch = 0
        """Of the lease that commands come under; 0: none."""
        self.supervisor = Supervisor(self.controller, settings, shape, box)
        self.supervisor.configure()

    def measured(self) -> Measurement:
        """What the arm reports now."""
        plant = self._plant
        return Measurement(q=plant.q.copy(), dq=plant.dq.copy(), tau_external=plant.tau_external.copy(), now=self.now())

    def advance(self, ticks: int) -> None:
        """Run ``ticks`` control periods under guard."""
        guarded_advance(self.supervisor.rig, self._plant, self.ticks, ticks)
        self.ticks += ticks

    def advance_through(self, ticks: int, fault: Callable[[Measurement], Measurement]) -> None:
        """Run ``ticks`` periods in which ``fault`` stands between the arm and what the controller is told of it."""
        for _ in range(ticks):
            report_stop(self.supervisor.rig, self._plant)
            self.supervisor.tick(fault(self.measured()))
            drive(self.controller.state, self._plant, self.controller.state["tau"])
            mujoco.mj_step(self.model, self.data)
            protect(self.controller.model, self._plant)
            self.ticks += 1

    def _submit(self, command: Command) -> None:
        self.supervisor.submit(command, self.now(), self.epoch)

    def acquire(self, source: Source, ttl: float) -> int:
        """Take the arm for ``source``; the lease lasts ``ttl`` [s] beyond each command; its epoch, 0: refused."""
        self.epoch = self.supervisor.acquire(source, ttl, self.now())
        return self.epoch

    def release(self) -> None:
        """Give the arm back; nothing happens when the lease has ended already."""
        epoch, self.epoch = self.epoch, 0
        self.supervisor.release(epoch)

    def reset(self, seed: int) -> None:
        """Everything as at the start of the episode that belongs to ``seed``; the arm is active at once."""
        self.supervisor.check_reset()
        self.epoch = 0
        super().reset(seed)
        self.supervisor.begin()

    def stop(self) -> None:
        """Hold from the next tick on."""
        self.supervisor.ask(Ask.HOLD)

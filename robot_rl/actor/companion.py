"""A person beside a policy that learns: her device, her page, and the script that can stand in for her."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

from robot_rl.actor.collection import HELD, SHARED, WORDS
from robot_rl.actor.seat import Seat, address
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.names import check_name
from robot_rl.core.protocols import Policy
from robot_rl.core.teleop import Event, Operator
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.tasks.registry import make_expert
from robot_rl.teleop.corrector import Corrector
from robot_rl.teleop.devices import DEVICES
from robot_rl.teleop.page import OperatorPage
from robot_rl.teleop.sample import Device

MAY_SAY = (Event.SUCCESS, Event.FAILURE, Event.DISCARD, Event.RERECORD, Event.PAUSE, Event.STOP, *SHARED)


@dataclass(frozen=True, kw_only=True)
class CompanionConfig:
    """Who may take the arm from the policy, and with what."""

    device: str = ""
    """What a person takes the arm over with: spacemouse, gamepad, keyboard, browser, webxr or leader; expert: a script
    takes it for a few steps when the policy strays from what the script would do; empty: the policy is alone. Her steps
    are learnt from twice: as experience and as demonstrations."""
    host: str = "127.0.0.1"
    """Where her page is served; 0.0.0.0 for phones and headsets (HTTPS and a token)."""
    port: int = 0
    """Port of the page; 0: a free one."""
    speed: float = 1.0
    """Share of the task's full speed at full deflection, in (0, 1]."""

    @property
    def person(self) -> bool:
        """Whether somebody real is there, for whom time must pass as on a clock."""
        return bool(self.device) and check_name("device", self.device, DEVICES) != "expert"


class Companion:
    """Opens her device and her page; ``pilot`` is what she and ``policy`` do together.

    Args:
        config: Who she is.
        env: The task on the robot.
        policy: What acts when she does not, exploring.
        leader: A leader arm, where there is one.
    """

    def __init__(self, config: CompanionConfig, env: RobotEnv, policy: Policy, leader: Device | None = None) -> None:
        self.config, self.env, self.policy, self.leader = config, env, policy, leader
        self.url = ""
        """Of her page; empty: there is none."""
        self._page: OperatorPage | None = None
        self._tank = 1.0
        self._stack = ExitStack()

    def __enter__(self) -> Companion:
        with ExitStack() as stack:
            operator = self._person(stack) if self.config.person else self._script()
            clock = time.monotonic if self.config.person else self.env.clock.now
            self.pilot = SharedControl(self.env, operator, self.policy, explore=True, clock=clock)
            self.pilot.on_look = self._look
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _script(self) -> Operator:
        return Corrector(make_expert(self.env.task.name), self.env.task)

    def _person(self, stack: ExitStack) -> Operator:
        config = self.config
        seat = Seat(device=config.device, host=config.host, port=config.port, speed=config.speed)
        self._page = seat.page({"task": self.env.task.name, "instruction": "take over when it goes wrong"})
        operator = seat.operator(stack, self.env.task, self._page, self.leader)
        if self._page is not None:
            stack.enter_context(self._page)
            self.url = address(self._page)
        return operator

    def _look(self) -> None:
        """Show her who has the arm, and what she may say."""
        if self._page is None:
            return
        stage, energy = self.pilot.stage, self.env.state.energy
        words, hint = WORDS[stage.name]
        self._tank = max(self._tank, energy.budget)
        figures = {
            "steps": f"{self.env.steps} of at most {self.env.max_steps}",
            "interventions": str(self.pilot.machine.count),
        }
        allowed = [event.value for event in (HELD if stage.holds else MAY_SAY)]
        state = {"phase": stage.name.lower(), "words": words, "hint": hint, "allowed": allowed, "figures": figures}
        self._page.show({**state, "tank": energy.tank, "tank_full": self._tank})
        for name, frame in self.env.frames.items():
            self._page.image(name, frame.rgb)

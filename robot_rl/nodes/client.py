"""The graph seen from a policy: ``RosRobot`` and ``RosCamera`` stand where the twin or a driver would stand."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from types import TracebackType

import numpy as np
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.client import Client
from rclpy.parameter import Parameter
from rclpy.task import Future
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger

from controllers.guard.lifecycle import Phase
from controllers.loop.snapshot import COMMAND, dtype_from_names, names, read_objects, read_state, write_command
from robot_rl.core.errors import CommandRejectedError, ConnectionLostError, StaleDataError
from robot_rl.core.records import Array, Command, Frame, RobotState, Source
from robot_rl.nodes import messages as ros
from robot_rl.nodes.lease import Lease
from robot_rl.nodes.ros import RosProcess
from robot_rl.nodes.trackers import Trackers

LOG = logging.getLogger("client")
ANSWER = 15.0
"""How long a request may take [s]; a twin may have to compile."""
LEAVING = 1.0
"""How long one may take when the client leaves [s]."""
DISCOVERY = 30.0
"""How long the graph may take to appear [s]."""
ACTIVATION = 120.0
"""How long a person may take to activate an arm that waits for it [s]."""
TRACKING = 3.0
"""How long trackers may take to appear [s]."""
MAX_AGE = 0.3
"""A state older than this is not used [s]."""


class RosRobot:
    """An arm on the graph.

    Args:
        cameras: They come with it, because one node and one executor serve them all.
        ttl: Commands are sent under a lease that lasts so long beyond each [s]; 0: without a lease.
        objects: What trackers are asked for, as far as the arm's state does not tell where it is.
    """

    def __init__(self, cameras: tuple[str, ...] = (), ttl: float = 1.0, objects: tuple[str, ...] = ()) -> None:
        self.process = RosProcess(f"client_{os.getpid()}")
        self.cameras = {name: RosCamera(name, self.process) for name in cameras}
        self.trackers, self.wanted = Trackers(self.process), objects
        self.record: np.ndarray | None = None
        self.names = names(COMMAND)
        self.command = np.zeros((), COMMAND)
        self.patience = ANSWER
        self.lease = Lease(self._take, self._give, ttl)

    def __enter__(self) -> RosRobot:
        """Join the graph and wait until it has a state, images and services."""
        node = self.process.__enter__().node
        node.create_subscription(JointState, "robot_state", self._on_state, ros.NEWEST)
        for camera in self.cameras.values():
            camera.subscribe()
        self.publisher = node.create_publisher(JointState, "command", ros.RELIABLE)
        self.resetter = node.create_client(Trigger, "reset")
        self.stopper = node.create_client(Trigger, "stop")
        self.taker = node.create_client(SetParametersAtomically, "acquire_lease")
        self.giver = node.create_client(SetParametersAtomically, "release_lease")
        self.parameters = node.create_client(SetParameters, "arm/set_parameters")
        if not self.process.wait_for(self._complete, DISCOVERY):
            self.process.__exit__(None, None, None)
            raise ConnectionLostError(self._lacking())
        known = {} if self.record is None else read_objects(self.record)
        self.trackers.follow(tuple(name for name in self.wanted if name not in known), TRACKING)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Hold, and leave the graph."""
        self.patience = LEAVING
        try:
            if not self.lease.ttl or self.lease.held(self.record):
                self.stop()
            self.lease.end()
        except ConnectionLostError:
            pass  # who would take it back is gone, and the lease ends by itself
        finally:
            self.process.__exit__(kind, error, trace)

    def _complete(self) -> bool:
        services = (self.resetter, self.stopper, self.parameters, self.taker, self.giver)
        seen = self.record is not None and all(c.frame is not None for c in self.cameras.values())
        return seen and all(s.service_is_ready() for s in services) and self.publisher.get_subscription_count() > 0

    def _lacking(self) -> str:
        """What did not come; said before anything moves."""
        dark = [name for name, camera in self.cameras.items() if camera.frame is None]
        if self.record is None or not dark:
            return f"no arm on the graph after {DISCOVERY:g} s: start it with `robot-rl up`"
        topics = ", ".join(f"camera/{name}/image_raw" for name in dark)
        return f"no image on {topics} after {DISCOVERY:g} s: start the camera's node, or leave it out with --cameras"

    def _on_state(self, message: JointState) -> None:
        self.record = np.frombuffer(message.position, dtype_from_names(tuple(message.name)))[0]

    def _newest(self, max_age: float) -> np.ndarray:
        self.process.spin(0.0)
        if not self.process.wait_for(lambda: self._age() <= max_age, max_age) or self.record is None:
            raise StaleDataError(f"no state of the arm for {self._age():.2f} s: see what the graph's console says")
        return self.record

    def _age(self) -> float:
        return np.inf if self.record is None else time.monotonic() - float(self.record["stamp"])

    def state(self) -> RobotState:
        """The newest measurement; ``StaleDataError`` when the arm is silent."""
        return read_state(self._newest(MAX_AGE))

    def objects(self) -> Mapping[str, Array]:
        """Poses (7,) of the tracked objects: of the same instant as the last ``state``, or the trackers' newest."""
        record = self._newest(MAX_AGE) if self.record is None else self.record
        return {**self.trackers.poses(), **read_objects(record)}

    def telemetry(self) -> dict[str, float]:
        """Every single number of the last state: counters, lateness of the loop, ledger."""
        record = self._newest(MAX_AGE) if self.record is None else self.record
        return {name: float(record[name]) for name in record.dtype.names if record.dtype[name].shape == ()}

    def send(self, command: Command) -> Command:
        """Send; what is not finite is sent too, so that the arm counts it and holds, and then raised here."""
        self._refuse_if_halted()
        write_command(self.command, command, self.lease.epoch(command.source, self.record))
        flat = self.command.reshape(1).view(np.float64)
        self.publisher.publish(ros.named_values(self.names, flat, command.stamp))
        if not (np.isfinite(command.pose).all() and np.isfinite(command.gripper)):
            raise CommandRejectedError("a command is not finite: the arm holds; correct its sender")
        return command

    def reset(self, seed: int) -> None:
        """Bring arm and scene to the start of ``seed``; returns when a state from after the reset is here.

        A robot that nobody has activated yet, or that let go of itself, is waited for: that is a person's to do.
        """
        self._set(seed=seed)
        answer = self._answer(self.resetter.call_async(Trigger.Request()), "reset")
        if not answer.success and self._activated():
            answer = self._answer(self.resetter.call_async(Trigger.Request()), "reset")
        if not answer.success:
            raise ConnectionLostError(f"the arm was not reset ({answer.message}): start the graph again")
        number, since = int(answer.message), time.monotonic()
        self.lease.renew()
        if not self.process.wait_for(lambda: self._fresh(number, since) or self._halted(), ANSWER):
            raise StaleDataError("no state or image came after the reset: see what the graph's console says")
        self._refuse_if_halted()

    def _activated(self) -> bool:
        """Whether a person activated the arm when asked to; False: it waits for nobody, or nobody came."""
        if self._halted() or self._phase() is not Phase.INACTIVE:
            return False
        domain, said = os.environ.get("ROS_DOMAIN_ID", "0"), "ros2 lifecycle set /arm activate"
        LOG.warning("the arm waits %g s for a person: %s (with ROS_DOMAIN_ID=%s)", ACTIVATION, said, domain)
        return self.process.wait_for(lambda: self._halted() or self._phase() is Phase.ACTIVE, ACTIVATION)

    def _phase(self) -> Phase:
        return Phase.UNCONFIGURED if self.record is None else Phase(int(self.record["phase"]))

    def _set(self, **values: float) -> None:
        """Set parameters of the arm's node; an underscore stands for a dot."""
        list_ = [Parameter(name.replace("_", "."), value=value).to_parameter_msg() for name, value in values.items()]
        self._answer(self.parameters.call_async(SetParameters.Request(parameters=list_)), f"parameters {list(values)}")

    def _take(self, source: Source, ttl: float) -> int:
        taken, said = self._ask_lease(self.taker, "a lease", source=int(source), ttl=float(ttl))
        return int(said) if taken else 0

    def _give(self, epoch: int) -> None:
        self._ask_lease(self.giver, "end of the lease", epoch=epoch)

    def _ask_lease(self, client: Client, request: str, **values: float) -> tuple[bool, str]:
        """Whether it was granted, and what the arm said."""
        list_ = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        future = client.call_async(SetParametersAtomically.Request(parameters=list_))
        result = self._answer(future, request).result
        return bool(result.successful), str(result.reason)

    def _fresh(self, number: int, since: float) -> bool:
        """State from after the reset of that number, images from after ``since`` [s]."""
        state = self.record is not None and self.record["resets"] >= number
        return state and all(camera.stamp > since for camera in self.cameras.values())

    def _halted(self) -> bool:
        return self.record is not None and bool(self.record["halted"])

    def _refuse_if_halted(self) -> None:
        if self._halted():
            raise ConnectionLostError("the arm holds because the graph is broken: see its console and start it again")

    def stop(self) -> None:
        """Hold where the arm is; an arm that is gone is not waited for."""
        future = self.stopper.call_async(Trigger.Request())
        self.process.wait_for(future.done, 1.0)

    def _answer(self, future: Future, request: str) -> Trigger.Response:
        if not self.process.wait_for(future.done, self.patience):
            raise ConnectionLostError(
                f"no answer to {request!r} after {self.patience:g} s: see what the graph's console says"
            )
        return future.result()


class RosCamera:
    """A camera on the graph."""

    def __init__(self, name: str, process: RosProcess) -> None:
        self.name = name
        self.process = process
        self.frame: Frame | None = None

    def subscribe(self) -> None:
        """Ask for its images; any driver's publisher will do."""
        topic = f"camera/{self.name}/image_raw"
        self.process.node.create_subscription(Image, topic, self._on_image, ros.NEWEST)

    def _on_image(self, message: Image) -> None:
        self.frame = Frame(stamp=ros.to_monotonic(message.header.stamp), rgb=ros.from_image(message))

    @property
    def stamp(self) -> float:
        """Monotonic time of the newest image [s]."""
        return -np.inf if self.frame is None else self.frame.stamp

    def latest(self, max_age: float) -> Frame:
        """The newest frame; ``StaleDataError`` if it is older than ``max_age`` [s]."""
        self.process.spin(0.0)
        self.process.wait_for(lambda: time.monotonic() - self.stamp <= max_age, max_age)
        age = time.monotonic() - self.stamp
        if self.frame is None or age > max_age:
            late = f"newest image is {1000 * age:.0f} ms old, allowed {1000 * max_age:.0f} ms"
            raise StaleDataError(f"camera {self.name}: {late}; check that its node runs and its cable is in")
        return self.frame

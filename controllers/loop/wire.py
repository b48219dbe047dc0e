"""Commands and snapshots between shared memory and the controller's records, in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from controllers.law.state import SOURCES
from controllers.loop.plant import PlantPort
from controllers.loop.snapshot import LARGEST
from controllers.numeric.jit import kernel
from robot_rl.core.records import Array, StiffnessFrame

FRAMES = len(StiffnessFrame)


@intrinsic
def number_at(_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001  (numba's own types)
    """The float64 at ``address``."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.load(builder.inttoptr(args[0], ir.DoubleType().as_pointer()))

    return types.float64(types.int64), generate


@kernel
def _whole(x: float, limit: float) -> bool:
    return abs(x) < limit and x == np.floor(x)


@kernel
def _size(stiffness: Array) -> int:
    """How many numbers of a stiffness are given: 0, 2, 6 or 21, the rest is not a number."""
    last = -1
    for i in range(stiffness.shape[0]):
        if not np.isnan(stiffness[i]):
            last = i
    if last < 0:
        return 0
    if last < 2:
        return 2
    return 6 if last < 6 else 21


@kernel
def epoch_of(raw: np.void) -> int:
    """The lease that a command comes under, 0: none; one that can be no lease becomes -1, which never is one."""
    return np.int64(raw.epoch) if _whole(raw.epoch, LARGEST) else -1


@kernel
def decode(raw: np.void, command: np.void, shift: float) -> bool:
    """``command`` := ``raw`` with its times moved by ``shift`` [s]; False when its number or source is of no use."""
    if not _whole(raw.seq, LARGEST) or not _whole(raw.source, SOURCES) or raw.source < 0.0:
        return False
    if not _whole(raw.stiffness_frame, FRAMES) or raw.stiffness_frame < 0.0:
        return False
    command.stamp = raw.stamp + shift
    command.valid_until = raw.valid_until + shift
    command.duration = raw.duration
    command.pose[:] = raw.pose
    command.gripper = raw.gripper
    command.feed_forward[:] = raw.feed_forward
    command.seq = np.int64(raw.seq)
    command.source = np.int64(raw.source)
    command.stiffness_frame = np.int64(raw.stiffness_frame)
    command.has_stiffness = _size(raw.stiffness)
    for i in range(raw.stiffness.shape[0]):
        command.stiffness[i] = raw.stiffness[i] if i < command.has_stiffness else 0.0
    return True


@kernel
def write_snapshot(core: np.void, state: np.void, port: PlantPort, flat: Array) -> None:
    """The controller's state and the tracked objects into the snapshot; the objects stand at the end of ``flat``."""
    core.q[:], core.dq[:], core.tau[:] = state.q, state.dq, state.tau
    core.ee_pose[:], core.ee_twist[:] = state.ee_pose, state.ee_twist
    core.wrench[:], core.reference[:] = state.wrench, state.goal
    core.peak_force = state.peak_force
    opening = port.gripper[0]
    if port.finger_q.shape[0] > 0:
        opening = 0.0
        for i in range(port.finger_q.shape[0]):
            opening += port.finger_q[i]
    core.gripper = opening
    core.tank, core.spring, core.work, core.budget = state.T, state.V, state.work, state.budget
    core.scale, core.mode = state.scale, float(state.mode)
    core.violations, core.worst_ratio = float(state.violations), state.worst_ratio
    start = flat.shape[0] - 7 * port.objects.shape[0]
    for k in range(port.objects.shape[0]):
        for i in range(7):
            flat[start + 7 * k + i] = number_at(port.objects[k, i])

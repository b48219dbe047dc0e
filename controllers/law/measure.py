"""What one measurement says: kinematics, inertia, pose and twist of the tool, and the external wrench."""

from __future__ import annotations

import numpy as np

from controllers.arms.kinematics import jacobian_into, link_frames, mass_matrix_into
from controllers.law.impedance import task_dynamics
from controllers.law.singularity import added_mobility, watch_singularity
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, matvec_into, norm3
from robot_rl.core.records import Array


@kernel
def measure(model: np.void, state: np.void, q: Array, dq: Array) -> None:
    """Take over a measurement: kinematics, inertia, pose and twist of the tool centre point, kinetic energy."""
    state.q[:] = q
    state.dq[:] = dq
    link_frames(model, state.q, state.rot, state.pos, state.ee_pose, state.ee_rot)
    jacobian_into(state.rot, state.pos, state.ee_pose, state.jacobian)
    mass_matrix_into(model, state.rot, state.pos, state.composite, state.mass)
    matvec_into(state.jacobian, state.dq, state.ee_twist)
    state.kinetic = 0.0
    for i in range(dq.shape[0]):
        state.kinetic += 0.5 * dq[i] * dot(state.mass[i], state.dq)


@kernel
def task_space(config: np.void, state: np.void) -> None:
    """Inertia at the tool centre point, damped where the posture is singular."""
    watch_singularity(config, state)
    task_dynamics(state, added_mobility(config, state))


@kernel
def external_wrench(state: np.void, tau_external: Array) -> None:
    """The wrench at the tool that explains ``tau_external`` (n,), Lambda J M^-1 tau; keeps the peak force."""
    state.tau_external[:] = tau_external
    matvec_into(state.to_wrench, state.tau_external, state.wrench)
    state.peak_force = max(state.peak_force, norm3(state.wrench, 0))


@kernel
def finite(q: Array, dq: Array, tau_external: Array) -> bool:
    """Whether no number of a measurement is infinite or none."""
    total = 0.0
    for i in range(q.shape[0]):
        total += q[i] * 0.0 + dq[i] * 0.0 + tau_external[i] * 0.0
    return total == 0.0

"""The records that the kernels read and write: one each, so that they can lie in shared memory."""

from __future__ import annotations

import numpy as np

from controllers.arms.kinematics import model_dtype
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, EnergyState, Mode

__all__ = ["command_dtype", "command_record", "config_dtype", "energy_state", "model_dtype", "state_dtype"]

SOURCES = 4
"""How many kinds of command source there are (``core.records.Source``)."""
SHAPES = 8
"""How many half-spaces and how many spheres a workspace may have."""
WAYPOINTS = 64
"""How many waypoints a chunk may have."""
INTERPOLATORS = ("filter", "linear", "min_jerk", "jerk_limited", "chunk")
"""How the reference moves; ``chunk`` is chosen by sending one."""


def config_dtype(n: int) -> np.dtype:
    """What a controller of ``n`` joints is told (``ControllerConfig.record``); pairs are linear, angular."""
    scalars = "period zeta T0 T_max P_max T_res kinetic_max kinetic_rate omega hold_timeout null_stiffness "
    scalars += "null_damping null_tau_max limit_margin limit_stiffness limit_damping wall_stiffness tilt_max "
    scalars += "refill_power speed_share chunk_blend velocity_feed_forward coriolis friction_scale friction_speed "
    scalars += "friction_max sigma_min sigma_damping condition_slow condition_stop force_warn force_soft force_hard "
    scalars += "force_rate force_patience soften_min retract_speed error_patience"
    pairs = "k_min k_max damping_min clip wrench_max v_max a_max j_max leash lead_max jump_max feed_forward_max "
    pairs += "feed_forward_rate error_max"
    joints = "tau_max tau_rate brake_rate q_null friction_coulomb friction_viscous friction_credit"
    counts = "filter_enabled charge_measured loss_ticks interpolator n_half_spaces n_spheres"
    fields = [(name, "f8") for name in scalars.split()] + [(name, "f8", (2,)) for name in pairs.split()]
    fields += [(name, "f8", (3,)) for name in ("box_min", "box_max", "tilt_axis")]
    fields += [("stiffness", "f8", (6,)), ("task_quat", "f8", (4,)), ("box_pose", "f8", (7,))]
    fields += [("half_spaces", "f8", (SHAPES, 4)), ("spheres", "f8", (SHAPES, 4))]
    fields += [(name, "f8", (n,)) for name in joints.split()]
    return np.dtype([*fields, *((name, "i8") for name in counts.split())])


def command_dtype() -> np.dtype:
    """``core.records.Command`` as a record; ``has_stiffness`` says how many numbers it has, 0 keeps the present one."""
    scalars = ("stamp", "valid_until", "duration", "gripper")
    counts = ("seq", "source", "has_stiffness", "stiffness_frame")
    vectors = [("pose", "f8", (7,)), ("stiffness", "f8", (21,)), ("feed_forward", "f8", (6,))]
    return np.dtype([*((name, "f8") for name in scalars), *vectors, *((name, "i8") for name in counts)])


def state_dtype(n: int) -> np.dtype:
    """Everything a controller of ``n`` joints knows. SI units, base axes; fields from ``rot`` on are scratch.

    A backend may write ``tau`` (the torque really applied since the last tick) and ``tau_measured`` (not a number where
    the robot measures none) before a tick; a supervisor may write ``soften_goal`` (the springs' share, 0 to 1).
    """
    scalars = "stamp T V work discard budget worst_ratio scale alpha beta gamma_active draw reserve barrier kinetic "
    scalars += "peak_force valid_until command_stamp gripper omega work_measured overdraft refilled elastic soften "
    scalars += "soften_goal force_factor sigma condition contact_time error_before error_time segment_left "
    scalars += "arrival_period accepted_at"
    counters = "mode violations ticks rejected accepted last_code bad_ticks source missed lost force_level "
    counters += "interpolator n_waypoints damping_age given_up"
    vectors = "q dq tau tau_external q_before tau_wanted tau_measured measured_before tau_active bias null_a null_b"
    sixes = "reference_velocity reference_acceleration stiffness stiffness_goal ee_twist wrench error spring_wrench "
    sixes += "feed_forward feed_forward_goal singular strongest"
    fields = [(name, "f8") for name in scalars.split()] + [(name, "i8") for name in counters.split()]
    fields += [("last_seq", "i8", (SOURCES,)), ("contact_force", "f8", (3,))]
    fields += [(name, "f8", (n,)) for name in vectors.split()] + [(name, "f8", (6,)) for name in sixes.split()]
    fields += [(name, "f8", (7,)) for name in ("goal", "reference", "ee_pose")]
    fields += [(name, "f8", (8, 6)) for name in ("axes", "axes_goal", "axes_candidate")]
    fields += [("waypoints", "f8", (WAYPOINTS, 8)), ("waypoints_new", "f8", (WAYPOINTS, 8))]
    fields += [("rot", "f8", (n, 3, 3)), ("pos", "f8", (n, 3)), ("ee_rot", "f8", (3, 3)), ("composite", "f8", (10,))]
    fields += [("mass", "f8", (n, n)), ("mass_chol", "f8", (n, n)), ("jacobian", "f8", (6, n))]
    fields += [("solved", "f8", (n, 6)), ("to_wrench", "f8", (6, n)), ("probe_jacobian", "f8", (6, n))]
    fields += [("probe_rot", "f8", (n, 3, 3)), ("probe_pos", "f8", (n, 3)), ("probe_ee", "f8", (3, 3))]
    sixes = "task_chol eigen modes vectors matrix_a matrix_b matrix_c"
    fields += [(name, "f8", (6, 6)) for name in sixes.split()]
    fields += [("proposal", "f8", (7,)), ("candidate", "f8", (7,)), ("track", "f8", (7,)), ("spatial", "f8", (8, 3))]
    scratch = "step delta six_a six_b k_candidate next_velocity next_acceleration wanted"
    fields += [(name, "f8", (6,)) for name in scratch.split()]
    return np.dtype(fields)


def command_record(command: Command) -> np.void:
    """``command`` as the kernels read it; ``CommandRejectedError`` when its stiffness is no 2, 6 or 21 numbers."""
    rec = np.zeros((), command_dtype())[()]
    for name in ("stamp", "seq", "valid_until", "duration", "pose", "gripper", "source", "stiffness_frame"):
        rec[name] = getattr(command, name)
    if command.stiffness is not None:
        size = np.size(command.stiffness)
        if size not in (2, 6, 21):
            raise CommandRejectedError(f"command {command.seq} has {size} numbers of stiffness: give 2, 6 or 21")
        rec["stiffness"][:size] = command.stiffness
        rec["has_stiffness"] = size
    if command.feed_forward is not None:
        rec["feed_forward"] = command.feed_forward
    return rec


def energy_state(state: np.void) -> EnergyState:
    """The ledger in a state record."""
    return EnergyState(
        tank=float(state["T"]),
        spring=float(state["V"]),
        work=float(state["work"]),
        budget=float(state["budget"]),
        scale=float(state["scale"]),
        mode=Mode(int(state["mode"])),
        violations=int(state["violations"]),
        worst_ratio=float(state["worst_ratio"]),
    )

"""The records that the kernels read and write: one each, so that they can lie in shared memory."""

from __future__ import annotations

import numpy as np

from controllers.kinematics import model_dtype
from robot_rl.core.records import Command, EnergyState, Mode

__all__ = ["command_dtype", "command_record", "config_dtype", "energy_state", "model_dtype", "state_dtype"]

SOURCES = 4
"""How many kinds of command source there are (``core.records.Source``)."""


def config_dtype(n: int) -> np.dtype:
    """What a controller of ``n`` joints is told (``ControllerConfig.record``); pairs are linear, angular."""
    scalars = "period zeta T0 T_max P_max T_res kinetic_max kinetic_rate omega hold_timeout "
    scalars += "null_stiffness null_damping null_tau_max limit_margin limit_stiffness limit_damping wall_stiffness"
    pairs = "k_min k_max clip wrench_max v_max a_max leash lead_max jump_max"
    fields = [(name, "f8") for name in scalars.split()] + [(name, "f8", (2,)) for name in pairs.split()]
    fields += [("stiffness", "f8", (6,)), ("box_min", "f8", (3,)), ("box_max", "f8", (3,))]
    fields += [(name, "f8", (n,)) for name in ("tau_max", "tau_rate", "brake_rate", "q_null")]
    return np.dtype([*fields, ("filter_enabled", "i8")])


def command_dtype() -> np.dtype:
    """``core.records.Command`` as a record; ``has_stiffness`` 0 keeps the present stiffness."""
    return np.dtype(
        [
            ("stamp", "f8"),
            ("valid_until", "f8"),
            ("duration", "f8"),
            ("pose", "f8", (7,)),
            ("gripper", "f8"),
            ("stiffness", "f8", (2,)),
            ("seq", "i8"),
            ("source", "i8"),
            ("has_stiffness", "i8"),
        ]
    )


def state_dtype(n: int) -> np.dtype:
    """Everything a controller of ``n`` joints knows. SI units, base axes; fields from ``rot`` on are scratch."""
    scalars = "stamp T V work discard budget worst_ratio scale alpha beta gamma_active draw reserve barrier kinetic "
    scalars += "peak_force valid_until command_stamp gripper omega"
    counters = "mode violations ticks rejected accepted last_code bad_ticks source"
    vectors = "q dq tau tau_external q_before tau_wanted null_a null_b"
    sixes = "reference_velocity stiffness stiffness_goal ee_twist wrench error spring_wrench"
    fields = [(name, "f8") for name in scalars.split()] + [(name, "i8") for name in counters.split()]
    fields += [("last_seq", "i8", (SOURCES,))]
    fields += [(name, "f8", (n,)) for name in vectors.split()] + [(name, "f8", (6,)) for name in sixes.split()]
    fields += [(name, "f8", (7,)) for name in ("goal", "reference", "ee_pose")]
    fields += [("rot", "f8", (n, 3, 3)), ("pos", "f8", (n, 3)), ("ee_rot", "f8", (3, 3)), ("composite", "f8", (10,))]
    fields += [("mass", "f8", (n, n)), ("mass_chol", "f8", (n, n)), ("jacobian", "f8", (6, n))]
    fields += [("mass_inv_jt", "f8", (6, n)), ("task_chol", "f8", (6, 6)), ("eigen", "f8", (6, 6))]
    fields += [("vectors", "f8", (6, 6)), ("proposal", "f8", (7,)), ("candidate", "f8", (7,))]
    scratch = "step delta six_a six_b k_candidate next_velocity wanted"
    fields += [(name, "f8", (6,)) for name in scratch.split()]
    return np.dtype(fields)


def command_record(command: Command) -> np.void:
    """``command`` as the kernels read it."""
    rec = np.zeros((), command_dtype())[()]
    for name in ("stamp", "seq", "valid_until", "duration", "pose", "gripper", "source"):
        rec[name] = getattr(command, name)
    if command.stiffness is not None:
        rec["stiffness"] = command.stiffness
        rec["has_stiffness"] = 1
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

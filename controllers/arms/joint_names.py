"""Names of the joints, as the manufacturers' own descriptions (URDF) have them, for whoever draws or records an arm."""

from __future__ import annotations

from robot_rl.core.names import check_name

UR = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
JOINTS = {
    **{arm: tuple(f"{arm}_joint{i}" for i in range(1, 8)) for arm in ("panda", "fer", "fr3")},
    "ur5e": tuple(f"{part}_joint" for part in UR),
}
"""Arm -> its joints, base first."""
FINGERS = {arm: f"{arm}_finger_joint1" for arm in ("panda", "fer", "fr3")}
"""Arm with a hand of its own -> the finger's joint, which moves half of the opening [m]."""


def joint_names(arm: str) -> tuple[str, ...]:
    """The n names, base first, of the arm that is so named (``ArmModel.name``); ``ConfigError`` for an unknown one."""
    return JOINTS[check_name("arm", arm, JOINTS)]

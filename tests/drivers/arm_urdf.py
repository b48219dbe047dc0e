"""An arm of our tables as the description that a Franka robot hands out: what its client builds its model from."""

import numpy as np

from controllers.numeric.rotations import quat_to_matrix

LIMIT = '<limit lower="-2.9" upper="2.9" velocity="2.6" effort="87"/>'
ENVELOPE = '<position_based_velocity_limits velocity_offset="0.3" deceleration_limit="6.0"/>'


def text(numbers):
    return " ".join(f"{x:.10f}" for x in numbers)


def rpy(quat):
    m = quat_to_matrix(np.asarray(quat))
    return np.arctan2(m[2, 1], m[2, 2]), np.arcsin(-np.clip(m[2, 0], -1, 1)), np.arctan2(m[1, 0], m[0, 0])


def urdf_of(arm):
    parts = ['<link name="link0"/>']
    for i in range(arm.n):
        m = arm.inertias[i]
        tensor = f'ixx="{m[0, 0]}" iyy="{m[1, 1]}" izz="{m[2, 2]}" ixy="{m[0, 1]}" ixz="{m[0, 2]}" iyz="{m[1, 2]}"'
        parts.append(
            f'<link name="link{i + 1}"><inertial><origin xyz="{text(arm.coms[i])}" rpy="0 0 0"/>'
            f'<mass value="{arm.masses[i]}"/><inertia {tensor}/></inertial></link>'
            f'<joint name="joint{i + 1}" type="revolute"><parent link="link{i}"/><child link="link{i + 1}"/>'
            f'<origin xyz="{text(arm.joint_pos[i])}" rpy="{text(rpy(arm.joint_quat[i]))}"/>'
            f'<axis xyz="{text(arm.axes[i])}"/>{LIMIT}{ENVELOPE}</joint>'
        )
    flange = (
        '<link name="link8"/><joint name="joint8" type="fixed"><parent link="link7"/><child link="link8"/>'
        '<origin xyz="0 0 0.107" rpy="0 0 0"/></joint>'
    )
    return f'<robot name="fr3">{"".join(parts)}{flange}</robot>'.encode()

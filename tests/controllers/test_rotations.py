"""Group axioms and round trips on random rotations, near 0 and near pi too."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.numeric import rotations as rot

floats = st.floats(-1.0, 1.0)
vectors = st.tuples(floats, floats, floats).map(np.array)
angles = st.one_of(st.floats(0.0, np.pi), st.sampled_from([0.0, 1e-13, 1e-9, 1e-5, 1e-4, np.pi - 1e-9, np.pi]))


def rotvec(vector, angle):
    length = np.linalg.norm(vector)
    return angle * (vector / length if length > 1e-3 else np.array([0.0, 0.0, 1.0]))


rotvecs = st.builds(rotvec, vectors, angles)
poses = st.builds(lambda p, r: np.concatenate([p, rot.rotvec_to_quat(r)]), vectors, rotvecs)


def matrix(pose):
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rot.quat_to_matrix(pose[3:]), pose[:3]
    return out


@settings(max_examples=200, deadline=None)
@given(rotvecs)
def test_exp_and_log_are_inverse(vector):
    quat = rot.rotvec_to_quat(vector)
    np.testing.assert_allclose(np.linalg.norm(quat), 1.0, atol=1e-15)
    back = rot.quat_to_rotvec(quat)
    assert np.linalg.norm(back) <= np.pi + 1e-12
    np.testing.assert_allclose(rot.quat_to_matrix(rot.rotvec_to_quat(back)), rot.quat_to_matrix(quat), atol=1e-12)
    np.testing.assert_array_equal(rot.quat_to_rotvec(-quat), back)


@settings(max_examples=200, deadline=None)
@given(poses, poses)
def test_poses_compose_like_matrices(a, b):
    np.testing.assert_allclose(matrix(rot.pose_multiply(a, b)), matrix(a) @ matrix(b), atol=1e-12)
    np.testing.assert_allclose(matrix(rot.pose_inverse(a)), np.linalg.inv(matrix(a)), atol=1e-12)
    np.testing.assert_allclose(rot.quat_rotate(a[3:], b[:3]), matrix(a)[:3, :3] @ b[:3], atol=1e-12)
    np.testing.assert_allclose(abs(rot.matrix_to_quat(matrix(a)[:3, :3]) @ a[3:]), 1.0, atol=1e-12)
    np.testing.assert_allclose(abs(rot.quat_multiply(rot.quat_inverse(a[3:]), a[3:])), [0, 0, 0, 1], atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(poses, poses)
def test_adding_the_error_gives_the_other_pose(a, b):
    error = rot.pose_error(a, b)
    assert np.linalg.norm(error[3:]) <= np.pi + 1e-12
    np.testing.assert_allclose(matrix(rot.pose_add(b, error)), matrix(a), atol=1e-9)


def test_error_is_in_base_axes():
    turned = np.array([0.0, 0.0, 0.0, *rot.rotvec_to_quat(np.array([0.0, 0.0, 1.0]))])
    tilted = rot.pose_add(turned, np.array([0.1, 0.2, 0.3, 0.2, 0.0, 0.0]))
    np.testing.assert_allclose(rot.pose_error(tilted, turned), [0.1, 0.2, 0.3, 0.2, 0.0, 0.0], atol=1e-12)

"""Every arm has as many names of joints as joints, and they are its own."""

import pytest

from controllers.arms.fr3 import fr3
from controllers.arms.joint_names import FINGERS, joint_names
from controllers.arms.panda import panda
from controllers.arms.ur5e import ur5e
from robot_rl.core.errors import RobotRLError


@pytest.mark.parametrize(
    ("make", "first", "last"),
    [
        (panda, "panda_joint1", "panda_joint7"),
        (fr3, "fr3_joint1", "fr3_joint7"),
        (ur5e, "shoulder_pan_joint", "wrist_3_joint"),
    ],
)
def test_names_are_those_of_the_arm(make, first, last):
    model = make()
    names = joint_names(model.name)
    assert len(set(names)) == len(names) == model.n
    assert (names[0], names[-1]) == (first, last)
    assert FINGERS.get(model.name, "").startswith(model.name) or model.name == "ur5e"


def test_an_arm_that_nobody_knows_is_refused():
    with pytest.raises(RobotRLError, match="fr3"):
        joint_names("fr4")

"""One contract for the twin, for the real pylibfranka and the real ur_rtde on the wire; and it must be able to fail."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.parameters.presets import preset
from drivers.contract import CHECKS, ContractError
from drivers.franka import FrankaConfig, FrankaLink
from drivers.link import ArmFaultError
from drivers.torque_arm import TorqueArm
from drivers.ur import UrConfig, UrLink
from sim.twin import Twin

SETTINGS = preset("rl_explore")


@pytest.fixture(params=["twin", "franka", "ur by torque", "ur by velocity"])
def arm(request, serve, library):
    if request.param == "twin":
        made = Twin("reach", SETTINGS)
    elif request.param.startswith("ur"):
        library("rtde_control")
        mode = request.param.split()[-1]
        made = TorqueArm(UrLink(UrConfig(address=serve("rtde_server.py"), mode=mode)), SETTINGS)
    else:
        library("pylibfranka")
        address = serve("fci_server.py")
        made = TorqueArm(FrankaLink(FrankaConfig(address=address, soft_realtime=True)), SETTINGS)
    with made as entered:
        if isinstance(entered, TorqueArm):
            started(entered)
        yield entered


def started(arm):
    """Active and at home; a machine that holds the loop up for 20 ms stops the arm, as it should: start it again."""
    for attempt in range(8):
        try:
            arm.recover() if attempt else arm.activate()
            arm.reset(0)
        except ArmFaultError as error:
            if "held up" not in str(error) or attempt == 7:
                raise
        else:
            return


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_contract(arm, check):
    check(arm)


class Broken(Twin):
    """A twin with one fault."""

    def __init__(self, fault):
        super().__init__("reach", SETTINGS)
        self.kind = fault

    def state(self):
        state = super().state()
        if self.kind == "silent ledger":
            return replace(state, energy=replace(state.energy, work=state.energy.work + 1.0))
        if self.kind == "jump" and self.ticks % 7 == 0:
            return replace(state, tau=state.tau + 3.0)
        return replace(state, ee_pose=np.full(7, np.nan)) if self.kind == "blind" else state

    def send(self, command):
        if self.kind == "credulous" and not np.isfinite(command.pose).all():
            return command
        return command if self.kind == "lazy" else super().send(command)

    def now(self):
        return 0.0 if self.kind == "frozen clock" else super().now()


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("silent ledger", "keeps_the_ledger"),
        ("jump", "limits_torque"),
        ("blind", "speaks"),
        ("credulous", "refuses"),
        ("lazy", "arrives"),
        ("frozen clock", "keeps_time"),
    ],
)
def test_the_contract_notices(fault, check):
    with Broken(fault) as arm, pytest.raises(ContractError):
        CHECKS[check](arm)

"""An arm of a few lines behind the protocol of a link: it stays where it is and keeps a diary."""

import numpy as np

from controllers.arms.panda import panda
from drivers.link import ArmFaultError, empty_packet


class Link:
    """An arm that stays where it is and keeps a diary."""

    name, period, guarantee = "paper arm", 0.001, "none"

    def __init__(self):
        self.arm, self.diary, self.sent = panda(), [], []
        self.packet = empty_packet(7)
        self.packet.q[:] = self.arm.home
        self.breaks_at = None

    def open(self):
        self.diary.append("open")
        return self.packet

    def take_control(self):
        self.diary.append("take control")
        return self.packet

    def read(self):
        self.packet.stamp += self.period
        if self.breaks_at is not None and self.packet.stamp > self.breaks_at:
            raise ArmFaultError("paper arm: torn; glue it")
        return self.packet

    def peek(self):
        self.packet.stamp += self.period
        return self.packet

    def write(self, tau):
        assert np.isfinite(tau).all()
        self.sent.append(tau.copy())
        self.packet.tau[:] = tau

    def recover(self):
        self.breaks_at = None
        return self.packet

    def close(self):
        self.diary.append("close")

"""A learner's server that receives without end, to be killed: ADDRESS LOG. Reports how many records arrived."""

import os
import sys
import time
from pathlib import Path

from transport_samples import SPEC

from robot_rl.transport.server import ExperienceServer

server = ExperienceServer(sys.argv[1], Path(sys.argv[2]), SPEC)
server.start(lambda arrival: os.write(1, b"%d\n" % arrival.seq))
os.write(1, b"0\n")
while True:
    time.sleep(1.0)

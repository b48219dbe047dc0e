"""An actor that sends without end, to be killed: ADDRESS SPOOL LIFE [STEPS]. Reports how many records are spooled."""

import os
import sys
import time
from pathlib import Path

from transport_samples import SPEC, observation, step

from robot_rl.transport.client import ExperienceClient

EPISODE = 40

address, spool, life = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
limit = int(sys.argv[4]) if len(sys.argv) > 4 else sys.maxsize
client = ExperienceClient(address, spool, SPEC)
number = 0
while number < limit:
    client.begin({"life": life})
    for _ in range(EPISODE):
        client.add(step(life, number))
        number += 1
        os.write(1, b"%d\n" % client.spool.live.last)
        time.sleep(0.002)
    client.end(observation(life, number))
delivered = client.drain(30.0)
client.close()
sys.exit(0 if delivered else 3)

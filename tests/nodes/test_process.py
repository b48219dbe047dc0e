"""How a node's process ends when the one that started it is gone."""

import os
import signal
import subprocess
import sys
import time

CHILD = """
import os, time
from robot_rl.nodes.process import end_with, run_process

def main():
    end_with(os.getppid())
    print(os.getpid(), flush=True)
    try:
        time.sleep(60)
    finally:
        print("put away", flush=True)

run_process("child", main)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


def test_it_ends_in_order_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert os.getpgid(child) > 0
    begun = time.monotonic()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert parent.stdout.read() == "put away\n"  # the pipe ends with the child
    assert time.monotonic() - begun < 30.0

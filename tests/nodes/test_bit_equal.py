"""Equal commands give equal torques, bit for bit, in the twin, in the arm process, and through the ROS node."""

import importlib.util
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from controllers.loop.exchange import Exchange, shared_path
from controllers.loop.snapshot import COMMAND, names, snapshot_dtype, write_command
from robot_rl.core.station import load_station
from robot_rl.nodes.arm_process import make_plant, warm_up
from robot_rl.nodes.domain import free_domain

pytestmark = pytest.mark.timeout(600)
spec = importlib.util.spec_from_file_location("loop_rig", Path(__file__).parents[1] / "sim" / "loop_rig.py")
loop_rig = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loop_rig)


@pytest.fixture(scope="module")
def twin():
    """Torques of the bare twin, and where its arm started."""
    warm_up("reach")
    with make_plant(load_station("twin"), "reach") as plant:
        start = plant.controller.state["ee_pose"].copy()
        return loop_rig.twin_torques(plant), start


@pytest.fixture
def arm():
    """An arm process in lockstep, as its name in shared memory; processes added to the list end with it."""
    name, processes = f"test.{os.getpid()}.{time.monotonic_ns()}", []
    call = [sys.executable, "-m", "robot_rl.nodes.arm_process", "--graph", name, "--task", "reach", "--lockstep"]
    processes.append(subprocess.Popen([*call, "--parent", str(os.getpid())]))
    yield name, processes
    for process in reversed(processes):
        process.terminate()
        process.wait(30.0)
    assert not shared_path(name).exists()


def run_script(exchange, start, send):
    """Send each command of the script, wait until the arm has it, then let 100 ticks pass; the last snapshot."""
    info = exchange.info
    record = np.zeros((), snapshot_dtype(info["joints"], tuple(info["objects"])))
    flat = record.reshape(1).view(np.float64)
    for k, (tick, command) in enumerate(loop_rig.script(start)):
        send(command)
        wait(lambda k=k: exchange.read(flat) and record["accepted"] == k + 1)
        exchange.advance_to(tick + 100)
        wait(lambda tick=tick: exchange.total == tick + 100)
    wait(lambda: exchange.read(flat) and record["ticks"] == exchange.total)
    return record


def wait(condition, patience=60.0):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def check(record, torques):
    assert record["rejected"] == 0
    assert record["digest"] == loop_rig.digest_of(torques), "some torque of some tick differs in some bit"
    np.testing.assert_array_equal(record["tau"], torques[-1])


def test_through_shared_memory(twin, arm):
    torques, start = twin
    exchange = Exchange.attach(arm[0], 300.0, writer=True)
    check(run_script(exchange, start, lambda command: loop_rig.put(exchange, command)), torques)


@contextmanager
def publisher(domain):
    rclpy = pytest.importorskip("rclpy")
    from sensor_msgs.msg import JointState

    from robot_rl.nodes import messages as ros

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("bit_equal", context=context)
    out = node.create_publisher(JointState, "command", ros.RELIABLE)

    def send(command):
        record = np.zeros((), COMMAND)
        write_command(record, command)
        out.publish(ros.named_values(names(COMMAND), record.reshape(1).view(np.float64), command.stamp))

    try:
        wait(lambda: out.get_subscription_count() > 0)
        yield send
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_through_ros(twin, arm):
    pytest.importorskip("rclpy")
    torques, start = twin
    name, processes = arm
    exchange = Exchange.attach(name, 300.0)
    domain, lock = free_domain()
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    call = [sys.executable, "-m", "robot_rl.nodes.arm_node", "--graph", name, "--parent", str(os.getpid())]
    processes.append(subprocess.Popen(call, env=environment))
    old = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE")
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    try:
        with lock, publisher(domain) as send:
            check(run_script(exchange, start, send), torques)
    finally:
        os.environ.pop("ROS_AUTOMATIC_DISCOVERY_RANGE")
        if old is not None:
            os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = old

"""What this machine has and lacks, in plain words, each lack with the command that mends it."""

from __future__ import annotations

import importlib
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

DRAW = """
import mujoco
model = mujoco.MjModel.from_xml_string('<mujoco><worldbody><geom size="1"/></worldbody></mujoco>')
data = mujoco.MjData(model); mujoco.mj_forward(model, data)
renderer = mujoco.Renderer(model, 32, 32); renderer.update_scene(data); print(renderer.render().mean())
"""
REAL_TIME = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(80))"
MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    present: bool
    text: str
    """What was found, or what it is for when it lacks."""
    remedy: str = ""
    """The command that mends it."""
    needed: bool = True
    """False when only some uses want it."""
    answered: bool = True
    """False when its test did not answer, so that nobody knows."""


def look() -> Iterator[Finding]:
    """Every finding, one after the other: some take a second."""
    checks: tuple[Callable[[], Finding], ...] = (
        *(python, learning, gpu, physics, lambda: drawing("egl", "libegl1 libegl-mesa0")),
        *(lambda: drawing("osmesa", "libosmesa6"), ros, shared_memory, real_time, locked_memory, cores, disk),
        *(depth_cameras, video_devices, serial_ports, gamepads, space_mice),
    )
    for check in checks:
        yield check()


SILENT = "its test has not answered within {:g} s, so nobody knows: stop other work on this machine and ask again"
PATIENCE = 60.0
"""How long one test may take [s]."""


def run_python(code: str, **environment: str) -> bool | None:
    """Whether ``code`` runs to its end in a process of its own; None: there was no answer in time."""
    env = {**os.environ, **environment}
    try:
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode == 0


def told(answer: bool | None, good: str, bad: str) -> str:
    """What a test came to, in words."""
    if answer is None:
        return SILENT.format(PATIENCE)
    return good if answer else bad


def package(name: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def optional_module(name: str) -> ModuleType | None:
    """The module, or None where it cannot be imported, for whatever reason."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):
        return None


def python() -> Finding:
    good = (3, 11) <= sys.version_info[:2] < (3, 13)
    text = f"{platform.python_version()} at {sys.executable}"
    return Finding(name="Python", present=good, text=text, remedy="make setup PYTHON=python3.11")


def learning() -> Finding:
    found = package("torch")
    text = f"torch {found}" if found else "torch is not here: no training; a robot computer needs none"
    return Finding(name="learning", present=bool(found), text=text, remedy="pip install torch==2.13.0")


def gpu() -> Finding:
    torch = optional_module("torch")
    found = torch is not None and torch.cuda.is_available()
    name = torch.cuda.get_device_name(0) if torch is not None and found else "none; training runs on the CPU"
    remedy = "" if found else "nvidia-smi (shows whether the driver sees a GPU)"
    return Finding(name="GPU", present=found, text=name, remedy=remedy, needed=False)


def physics() -> Finding:
    found = package("mujoco")
    text = f"mujoco {found}" if found else "mujoco is not here: no twin"
    return Finding(name="physics", present=bool(found), text=text, remedy="make setup")


def drawing(backend: str, packages: str) -> Finding:
    """Whether MuJoCo draws an image with this GL backend (the twin's cameras need one of the two)."""
    good = run_python(DRAW, MUJOCO_GL=backend, PYOPENGL_PLATFORM=backend)
    text = told(good, "draws an image", "cannot draw; the twin's cameras need EGL or OSMesa")
    remedy = "robot-rl doctor" if good is None else f"sudo apt-get install -y {packages}"
    name, needed = f"GL {backend}", backend == "egl"
    return Finding(name=name, present=bool(good), text=text, remedy=remedy, needed=needed, answered=good is not None)


def ros() -> Finding:
    sourced = os.environ.get("ROS_DISTRO")
    good = run_python("import rclpy, sensor_msgs.msg; rclpy.init(); rclpy.shutdown()")
    where = f"ROS {sourced} of this machine" if sourced else f"rclpy {package('ros-jazzy-rclpy')} from PyPI"
    text = told(good, f"{where} starts", "rclpy does not start: no graph, no deployment; lockstep works")
    remedy = "robot-rl doctor" if good is None else "pip install -c constraints.txt -e '.[ros]'"
    return Finding(name="ROS 2", present=bool(good), text=text, remedy=remedy, answered=good is not None)


def shared_memory() -> Finding:
    free = shutil.disk_usage("/dev/shm").free if Path("/dev/shm").is_dir() else 0
    text = f"{free // MIB} MiB free in /dev/shm"
    return Finding(name="shared memory", present=free > 32 * MIB, text=text, remedy="mount -o remount,size=1G /dev/shm")


def real_time() -> Finding:
    good = run_python(REAL_TIME)
    text = told(good, "the arm process may run with SCHED_FIFO", "no real-time priority: the 1 kHz loop will be late")
    remedy = "echo '* - rtprio 99' | sudo tee /etc/security/limits.d/realtime.conf, then log in again"
    remedy = "robot-rl doctor" if good is None else remedy
    known = good is not None
    return Finding(name="real-time limits", present=bool(good), text=text, remedy=remedy, needed=False, answered=known)


def locked_memory() -> Finding:
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    good = limit == resource.RLIM_INFINITY or limit > 512 * MIB or os.geteuid() == 0
    text = "memory may be locked" if good else f"only {limit // 1024} KiB may be locked: page faults may delay the loop"
    remedy = "echo '* - memlock unlimited' | sudo tee -a /etc/security/limits.d/realtime.conf, then log in again"
    return Finding(name="locked memory", present=good, text=text, remedy=remedy, needed=False)


def cores() -> Finding:
    count = len(os.sched_getaffinity(0))
    kernel = "PREEMPT_RT" if Path("/sys/kernel/realtime").exists() else "not a real-time kernel"
    text = f"{count} cores, kernel {platform.release()} ({kernel})"
    return Finding(name="processor", present=count >= 2, text=text, remedy="use a machine with 2 cores or more")


def disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    text = f"{free / 2**30:.0f} GiB free here"
    return Finding(name="disk", present=free > 2 * 2**30, text=text, remedy="free some space: a run needs up to 2 GiB")


def depth_cameras() -> Finding:
    realsense = optional_module("pyrealsense2")
    if realsense is None and package("pyrealsense2"):
        text, remedy = "pyrealsense2 is here but does not load", "sudo apt-get install -y libusb-1.0-0"
        return Finding(name="RealSense", present=False, text=text, remedy=remedy, needed=False)
    if realsense is None:
        text, remedy = "pyrealsense2 is not here; the twin needs none", "pip install -e '.[realsense]'"
        return Finding(name="RealSense", present=False, text=text, remedy=remedy, needed=False)
    count = len(realsense.context().query_devices())
    text = f"{count} connected" if count else "library present, no camera connected"
    return Finding(name="RealSense", present=count > 0, text=text, remedy="check the USB 3 cable", needed=False)


def video_devices() -> Finding:
    found = sorted(p.name for p in Path("/dev").glob("video*"))
    text = ", ".join(found) or "no /dev/video*; the twin draws its own images"
    remedy = "plug one in, then: ls /dev/video*"
    return Finding(name="cameras", present=bool(found), text=text, remedy=remedy, needed=False)


def serial_ports() -> Finding:
    found = sorted(p.name for pattern in ("ttyUSB*", "ttyACM*") for p in Path("/dev").glob(pattern))
    text = ", ".join(found) or "no serial port; the twin has a gripper of its own"
    remedy = "plug the gripper in, then: ls /dev/ttyUSB* /dev/ttyACM*"
    return Finding(name="gripper", present=bool(found), text=text, remedy=remedy, needed=False)


def gamepads() -> Finding:
    readable = [p.name for p in sorted(Path("/dev/input").glob("event*")) if os.access(p, os.R_OK)]
    text = f"{len(readable)} input devices can be read" if readable else "no input device can be read; a browser's can"
    remedy = "sudo usermod -aG input $USER, then log in again; plug one in"
    return Finding(name="gamepad, keyboard", present=bool(readable), text=text, remedy=remedy, needed=False)


def space_mice() -> Finding:
    remedy = "pip install -e '.[teleop]'; sudo apt-get install -y libhidapi-hidraw0"
    good = package("pyspacemouse") is not None and find_library("hidapi-hidraw") is not None
    text = "pyspacemouse and hidapi are here" if good else "pyspacemouse or hidapi is not here"
    return Finding(name="SpaceMouse", present=good, text=text, remedy=remedy, needed=False)

"""One camera on ``camera/<name>/image_raw``. The twin's is drawn here, from the state topic, in its own process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tyro
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image, JointState

from controllers.loop.snapshot import dtype_from_names, read_objects
from robot_rl.core.clock import MonotonicClock, Rate
from robot_rl.core.names import check_name
from robot_rl.core.station import load_station
from robot_rl.nodes import messages as ros
from robot_rl.nodes.process import StopFlag, run_process
from robot_rl.nodes.ros import RosProcess
from sim.renderer import SceneRenderer


@dataclass(frozen=True, kw_only=True)
class Config:
    """Publish the images of one camera of a station."""

    camera: str
    """Its name in the station file."""
    station: str = "twin"
    """Station file, or the name of one that comes with the project."""
    task: str = "reach"
    """The twin's scene."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""


class TwinCamera:
    """Draws the newest state."""

    def __init__(self, renderer: SceneRenderer, camera: str, publisher: Publisher) -> None:
        self.renderer, self.camera, self.publisher = renderer, camera, publisher
        self.message: JointState | None = None

    def on_state(self, message: JointState) -> None:
        """Keep the newest."""
        self.message = message

    def shoot(self) -> None:
        """Draw and publish, if a state came since the last image; its stamp is the image's."""
        if self.message is None:
            return
        record = np.frombuffer(self.message.position, dtype_from_names(tuple(self.message.name)))[0]
        rgb = self.renderer.render(record["q"], float(record["gripper"]), read_objects(record), self.camera)
        frame = f"camera_{self.camera}_optical_frame"
        self.publisher.publish(ros.to_image(rgb, float(record["stamp"]), frame))
        self.message = None


def main(config: Config) -> None:
    """Run until asked to stop."""
    stop, station = StopFlag(config.parent), load_station(config.station)
    check_name("camera", config.camera, station.cameras)
    settings = station.cameras[config.camera]
    renderer = SceneRenderer(config.task, (config.camera,), (settings.width, settings.height))
    rate = Rate(1 / settings.rate, MonotonicClock())
    with RosProcess(f"camera_{config.camera}") as process:
        publisher = process.node.create_publisher(Image, f"camera/{config.camera}/image_raw", ros.RELIABLE)
        camera = TwinCamera(renderer, config.camera, publisher)
        process.node.create_subscription(JointState, "robot_state", camera.on_state, ros.NEWEST)
        while not stop:
            rate.wait()
            process.spin(0.0)
            camera.shoot()


if __name__ == "__main__":
    run_process("camera", lambda: main(tyro.cli(Config)))

"""A task as a policy was trained to see it, or as a station shows it."""

from __future__ import annotations

from robot_rl.core.protocols import Task
from robot_rl.core.spec import Spec
from robot_rl.core.station import load_station
from robot_rl.core.view import View
from robot_rl.tasks.registry import make_task
from robot_rl.tasks.senses import Sensed, Senses, fitting


def views_of(station: str) -> dict[str, View]:
    """What a station shows of each of its cameras; nothing is known without a station."""
    return {name: camera.view for name, camera in load_station(station).cameras.items()} if station else {}


def task_of_station(name: str, cameras: tuple[str, ...], station: str) -> Task:
    """The task with the views of the station's cameras, all features included: for recording."""
    task = make_task(name, cameras)
    views = {camera: view for camera, view in views_of(station).items() if camera in cameras and view != View()}
    return Sensed(task, Senses(views=views)) if views else task


def task_of_policy(name: str, trained: Spec, station: str = "") -> Task:
    """The task with the observations that a policy was trained on, its images those that the station shows."""
    task = make_task(name, tuple(trained.cameras))
    senses = fitting(task.spec, trained, views_of(station))
    return Sensed(task, senses) if senses.hidden or senses.views else task

"""``robot-rl learner METHOD``: improve a policy from the experience that actors send."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro
from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import Dataset, open_dataset
from robot_rl.learner import registry
from robot_rl.learner.checkpoint import load_policy
from robot_rl.learner.offline import Choice, Recordings, demonstrations, statistics
from robot_rl.learner.runner import LearnerRunner, Progress, RunnerConfig
from robot_rl.nets.cpu import prepare
from robot_rl.nets.vision.config import seen
from robot_rl.tasks.registry import make_task
from robot_rl.transport.access import Credentials
from robot_rl.transport.channel import check_address
from robot_rl.transport.limits import Limits
from robot_rl.transport.server import ExperienceServer

MethodT = TypeVar("MethodT")


@dataclass(frozen=True, kw_only=True)
class Config(Generic[MethodT]):
    """Learn online. Actors find this process through the file ``address`` in its folder, or by ``--bind``."""

    algorithm: tyro.conf.Positional[str]
    """Name of the method; each is a file in robot_rl/methods."""
    run: Annotated[RunnerConfig, tyro.conf.arg(name="")]
    """Folder, task and length."""
    demos: Path | None = None
    """Dataset of demonstrations, if any."""
    choice: Choice = field(default_factory=Choice)
    """Which of its episodes, and how often each."""
    hide: tuple[str, ...] = ()
    """Features that the policy is not given, such as poses that only a simulator knows; a base has chosen its own."""
    base: Path | None = None
    """Checkpoint of the base policy, for methods that have one."""
    bind: str = "127.0.0.1:0"
    """Address to listen at; port 0 takes a free one. Others than this machine need credentials."""
    credentials: Path | None = None
    """Folder ``learner`` made by ``robot-rl certificates``."""
    limits: Limits = Limits()  # noqa: RUF009
    """What actors may send at most."""
    threads: int = 1
    """Threads of torch; small networks are fastest with one."""
    method: MethodT
    """Its hyper-parameters."""


def configure(name: str | None) -> Any:  # noqa: ANN401
    """``Config`` with the hyper-parameters of the named method."""
    return Config[registry.load(name or "resfit").Config]  # type: ignore[misc]


def main(config: Config[Any]) -> None:
    """Learn, with a bar, until the steps are used up or Ctrl-C; the result is in <folder>/finetuned."""
    prepare(config.threads)
    credentials = Credentials.load(config.credentials) if config.credentials else None
    check_address(config.bind, credentials)
    dataset = open_dataset(config.demos) if config.demos else None
    task, spec = task_and_spec(config.run.task, dataset)
    base = load_policy(config.base) if config.base else None
    spec = base.recipe.spec if base else seen(config.method, spec, config.hide)
    recordings = Recordings((dataset,), config.choice) if dataset else None
    known = statistics(recordings, spec) if recordings else None
    learner = registry.load(config.algorithm).make(config.method, spec, base=base, statistics=known)
    if learner.sampling.chunk > 0:
        raise ConfigError(f"{config.algorithm} learns from a dataset alone: use robot-rl train {config.algorithm}")
    demos = demonstrations(recordings, learner) if recordings else None
    run = replace(config.run, task=task)
    log, limits = run.folder / "log", config.limits
    with ExperienceServer(config.bind, log, learner.spec, credentials=credentials, limits=limits) as server:
        runner = LearnerRunner(learner, demos, server, run)
        with bar(f"learning {task} by {config.algorithm}", run.max_env_steps) as advance:

            def show(now: Progress) -> None:
                advance(now.env_steps, f"{now.updates} updates, {now.recent_success:.0%} of recent episodes won")

            done = runner.run(show)
    Console(highlight=False).print(f"{done.env_steps} steps, {done.updates} updates: {run.folder / 'finetuned'}")


def task_and_spec(task: str, dataset: Dataset | None) -> tuple[str, Spec]:
    """The task's name, given or from the demonstrations, and what is observed of it."""
    if dataset is not None:
        return task or str(dataset.meta.get("task", "")), dataset.spec
    if not task:
        raise ConfigError("neither --task nor --demos is given: name the task")
    return task, make_task(task).spec

"""What the actor hands over is what the learner gets, and mistakes are told in one line."""

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transport_samples import SPEC, free_port, observation, step

from robot_rl.core.errors import ConfigError, ConnectionLostError, DatasetError, SpecError
from robot_rl.core.spec import IMAGES, Feature
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import decode_observation, decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.record_log import RecordLog
from robot_rl.transport.server import ExperienceServer


def send(client: ExperienceClient, life: int, steps: int) -> None:
    client.begin({"life": life})
    for n in range(steps):
        client.add(step(life, n))
    client.end(observation(life, steps))


def test_an_episode_arrives_as_it_was(tmp_path) -> None:
    arrived = []
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(arrived.append)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            send(client, 4, 30)
            client.begin({"life": 5})
            client.add(step(5, 0))
            client.end(None)
            assert client.drain(10.0)
    events = [Event.FromString(a.payload) for a in arrived]
    assert [a.seq for a in arrived] == list(range(1, 36))
    assert [e.WhichOneof("body") for e in events] == ["begin", *["step"] * 30, "end", "begin", "step", "end"]
    for n, event in enumerate(events[1:31]):
        got, want = decode_step(event.step, SPEC), step(4, n)
        assert got.policy_version == 0
        assert all(np.array_equal(got.record.obs[k], want.obs[k]) for k in SPEC.observation)
        assert np.array_equal(got.record.action, want.action)
        assert (got.record.energy, got.record.source, got.record.stamp) == (want.energy, want.source, want.stamp)
    final = decode_observation(events[31].end.observation, SPEC)
    assert all(np.array_equal(final[k], observation(4, 30)[k]) for k in SPEC.observation)
    assert not events[-1].end.complete


def test_each_step_tells_which_weights_chose_it(tmp_path) -> None:
    arrived = []
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.publish({"w": np.zeros(3)})
        server.start(arrived.append)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            client.begin({})
            client.add(step(0, 0))
            while client.newest(0) is None:
                time.sleep(0.01)
            client.adopt(client.newest(0))
            client.add(step(0, 1))
            client.end(None)
            assert client.drain(10.0)
    first, second = (decode_step(Event.FromString(a.payload).step, SPEC) for a in arrived[1:3])
    assert (first.policy_version, second.policy_version) == (0, 1)
    assert 0.0 < second.policy_age < 10.0


def test_an_actor_works_without_a_learner_and_catches_up_at_once(tmp_path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with ExperienceClient(address, tmp_path / "spool", SPEC) as client:
        send(client, 0, 50)
        assert not client.drain(0.2)
        with pytest.raises(ConnectionLostError, match="no learner answers"):
            client.connect(0.1)
        time.sleep(2.0)
        with ExperienceServer(address, tmp_path / "log", SPEC) as server:
            arrived = []
            server.start(arrived.append)
            started = time.monotonic()
            client.connect(10.0)
            assert time.monotonic() - started < 2.5, "slow to reconnect"
            assert client.drain(10.0)
            assert len(arrived) == 52


def test_a_restarted_server_has_the_records_and_takes_none_twice(tmp_path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with ExperienceClient(address, tmp_path / "spool", SPEC) as client:
        for life in range(3):
            with ExperienceServer(address, tmp_path / "log", SPEC) as server:
                assert len(list(server.recorded())) == 12 * life
                server.start(lambda arrival: None)
                send(client, life, 10)
                assert client.drain(10.0)


def test_another_task_is_refused(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        with ExperienceClient(server.address, tmp_path / "spool", replace(SPEC, action_dim=4)) as client:
            with pytest.raises(SpecError, match="one task and one base") as error:
                client.connect(10.0)
            assert "\n" not in str(error.value)
    with pytest.raises(SpecError, match="another task"):
        send_once(tmp_path), ExperienceServer("127.0.0.1:0", tmp_path / "log2", replace(SPEC, action_dim=4))
    ExperienceServer("127.0.0.1:0", tmp_path / "log2", SPEC).stop()


def send_once(folder) -> None:
    with ExperienceServer("127.0.0.1:0", folder / "log2", SPEC) as server:
        server.start(lambda arrival: None)
        with ExperienceClient(server.address, folder / "spool2", SPEC) as client:
            send(client, 0, 1)
            assert client.drain(10.0)


@pytest.mark.parametrize("bind", ["0.0.0.0:50051", "192.168.1.4:1", "[::]:80", "robot.local:5000", "50051", "a:b"])
def test_only_this_machine_is_served_without_encryption(tmp_path, bind) -> None:
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1"):
        ExperienceServer(bind, tmp_path / "log", SPEC)
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1"):
        ExperienceClient(bind, tmp_path / "spool", SPEC)
    assert not list(tmp_path.iterdir()), "a folder was made before the address was checked"


def test_a_taken_address_and_a_taken_log_are_told(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        with pytest.raises(DatasetError, match="in use by another process"):
            ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC)
        with (
            pytest.raises(ConfigError, match="another port"),
            ExperienceServer(server.address, tmp_path / "log2", SPEC) as second,
        ):
            second.start(lambda arrival: None)


def test_a_wrong_step_stops_the_actor_with_one_line(tmp_path) -> None:
    with ExperienceClient(f"127.0.0.1:{free_port()}", tmp_path / "spool", SPEC) as client:
        client.begin({})
        bad = step(0, 0)
        client.add(replace(bad, obs={**bad.obs, "observation.state": np.zeros(3, np.float32)}))
        with pytest.raises(SpecError, match=r"observation\.state"):
            client.end(None)


def test_a_step_that_is_none_stops_the_actor_with_one_line(tmp_path) -> None:
    with ExperienceClient(f"127.0.0.1:{free_port()}", tmp_path / "spool", SPEC) as client:
        client.begin({})
        client.add(replace(step(0, 0), reward="much"))
        with pytest.raises(SpecError, match="cannot be encoded"):
            client.end(None)


def test_images_too_large_to_send_are_refused_at_the_start(tmp_path) -> None:
    large = SPEC.with_feature(IMAGES + "huge", Feature((2000, 2000, 3), "uint8"))
    with pytest.raises(SpecError, match="smaller images"):
        ExperienceClient("127.0.0.1:1", tmp_path / "spool", large)


def test_a_learner_whose_disk_is_full_says_so_and_loses_nothing(tmp_path, monkeypatch) -> None:
    full = DatasetError("cannot write: no space left on device; free space on that disk")
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            client.connect(10.0)

            def refuse(size) -> None:
                raise full

            monkeypatch.setattr(server.inbox._rules.quota, "take", refuse)
            send(client, 0, 5)
            assert not client.drain(0.5)
            assert server.error is full
            monkeypatch.undo()
            assert client.drain(10.0)
    assert len(RecordLog.open(next((tmp_path / "log").glob("*.log"))).ends) == 8


def test_three_actors_at_once(tmp_path) -> None:
    arrived = []
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(arrived.append)
        clients = [ExperienceClient(server.address, tmp_path / f"spool{i}", SPEC) for i in range(3)]
        for life in range(4):
            for i, client in enumerate(clients):
                send(client, 10 * i + life, 20)
        assert all(client.drain(10.0) for client in clients)
        for client in clients:
            client.close()
    assert len({a.actor for a in arrived}) == 3
    for client in clients:
        assert [a.seq for a in arrived if a.actor == client.spool.actor] == list(range(1, 89))


def test_past_lives_of_actors_keep_no_files_open(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        for _ in range(30):
            with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
                send(client, 0, 1)
                assert client.drain(10.0)
        wait_for(lambda: open_logs(tmp_path) == 0)
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        assert len(list(server.recorded())) == 90
        assert open_logs(tmp_path) == 0
        assert len(list((tmp_path / "log").glob("*.log"))) == 30


def open_logs(folder: Path) -> int:
    """Logs in a folder that this process has open."""
    count = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            path = Path(os.readlink(f"/proc/self/fd/{number}"))
            count += path.suffix == ".log" and path.is_relative_to(folder)
    return count


def wait_for(condition) -> None:
    deadline = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)

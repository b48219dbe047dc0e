"""Whoever cannot prove who he is gets nowhere, on either side, and is told why in one line."""

import datetime
import os
import time
from pathlib import Path

import grpc
import pytest
from transport_samples import SPEC, free_port, observation, step

from robot_rl.apps.main import run as robot_rl
from robot_rl.core.errors import ConfigError, ConnectionLostError, RobotRLError
from robot_rl.transport import certificates
from robot_rl.transport.access import Credentials
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import spec_json
from robot_rl.transport.experience_pb2 import Header, WatchRequest
from robot_rl.transport.server import ExperienceServer
from robot_rl.transport.service import Stub
from robot_rl.transport.versions import SCHEMA

HEADER = Header(schema=SCHEMA, actor="a" * 32, stream="b" * 32, spec=spec_json(SPEC))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Certificates of two learners that do not know each other, and a token."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("ours", "theirs"):
        certificates.make(folder / name, ["127.0.0.1"], ["arm", "arm2"], 30)
    certificates.make(folder / "token", [], [], 30, token=True)
    certificates.make(folder / "token2", [], [], 30, token=True)
    return folder


def load(folder: Path) -> Credentials:
    return Credentials.load(folder)


def deliver(address: str, spool: Path, credentials: Credentials | None, timeout: float = 10.0) -> None:
    with ExperienceClient(address, spool, SPEC, credentials=credentials) as client:
        client.connect(timeout)
        client.begin({})
        client.add(step(0, 0))
        client.end(observation(0, 1))
        assert client.drain(10.0)


@pytest.mark.parametrize(("learner", "actor"), [("ours/learner", "ours/arm"), ("token/learner", "token/actor")])
def test_those_who_belong_together_meet(home, tmp_path, learner, actor) -> None:
    arrived = []
    with ExperienceServer("0.0.0.0:0", tmp_path / "log", SPEC, credentials=load(home / learner)) as server:
        server.start(arrived.append)
        assert server.address.startswith("127.0.0.1:")
        deliver(server.address, tmp_path / "spool", load(home / actor))
        deliver(server.address.replace("127.0.0.1", "localhost"), tmp_path / "spool2", load(home / actor))
    assert len(arrived) == 6


@pytest.mark.parametrize(
    ("learner", "actor", "reason"),
    [
        ("ours/learner", "theirs/arm", "not the one expected"),
        ("ours/learner", "token/actor", "not the one expected"),
        ("ours/learner", None, "TLS: give --credentials"),
        ("token/learner", None, "TLS: give --credentials"),
        ("token/learner", "token2/actor", "not the one expected"),
        (None, "ours/arm", "without TLS"),
        ("ours/learner", "mixed", "does not accept this certificate"),
        ("ours/learner", "ours/learner", "does not accept this certificate"),
        ("token/learner", "wrong token", "token"),
    ],
)
def test_strangers_do_not(home, tmp_path, learner, actor, reason) -> None:
    """``mixed`` trusts our learner and shows another's certificate."""
    shown = special(home, tmp_path, actor) if actor in ("mixed", "wrong token") else actor and load(home / actor)
    server_side = load(home / learner) if learner else None
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC, credentials=server_side) as server:
        server.start(lambda arrival: None)
        with pytest.raises((ConnectionLostError, ConfigError), match=reason) as told:
            deliver(server.address, tmp_path / "spool", shown, 0.6)
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "log").glob("*.log"))


def special(home: Path, tmp_path: Path, kind: str) -> Credentials:
    folder = tmp_path / "special"
    folder.mkdir()
    first, second = ("ours/arm", "theirs/arm") if kind == "mixed" else ("token/actor", "token2/actor")
    for name in ("ca.pem", "certificate.pem", "key.pem", "token"):
        source = home / (first if name == "ca.pem" else second) / name
        if source.exists():
            (folder / name).write_bytes(source.read_bytes())
            (folder / name).chmod(0o600)
    return load(folder)


def test_an_actor_cannot_play_the_learner(home, tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC, credentials=load(home / "ours/arm2")) as server:
        server.start(lambda arrival: None)
        with pytest.raises(ConnectionLostError, match="not the one expected"):
            deliver(server.address, tmp_path / "spool", load(home / "ours/arm"), 0.6)


def test_a_learner_under_a_name_of_its_certificate_only(home, tmp_path) -> None:
    hosts = {"127.0.0.2": "not the one expected", "no-such-host.invalid": "nobody knows"}
    with ExperienceServer("0.0.0.0:0", tmp_path / "log", SPEC, credentials=load(home / "ours/learner")) as server:
        server.start(lambda arrival: None)
        for host, reason in hosts.items():
            address = server.address.replace("127.0.0.1", host)
            with pytest.raises(ConnectionLostError, match=reason):
                deliver(address, tmp_path / "spool", load(home / "ours/arm"), 0.3)


def test_every_call_needs_the_token(home, tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC, credentials=load(home / "token/learner")) as server:
        server.start(lambda arrival: None)
        trusted = grpc.ssl_channel_credentials((home / "token/actor/ca.pem").read_bytes())
        with grpc.secure_channel(server.address, trusted) as channel:
            stub = Stub(channel)
            calls = (
                lambda **how: stub.hello(HEADER, **how),
                lambda **how: list(stub.push(iter([b"x"]), **how)),
                lambda **how: list(stub.watch(iter([WatchRequest()]), **how)),
                lambda **how: channel.unary_unary("/robot_rl.transport.Experience/Other")(b"", **how),
            )
            for metadata in ((), (("authorization", "Bearer x"),), (("stream", "b" * 32),)):
                for call in calls:
                    with pytest.raises(grpc.RpcError) as refused:
                        call(metadata=metadata, timeout=5.0)
                    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_an_actor_is_back_soon_after_an_outage(home, tmp_path) -> None:
    """gRPC's own pace would let it wait for 3.3 s. The best of three outages counts: the machine may be busy."""
    address = f"127.0.0.1:{free_port()}"
    learner, actor = load(home / "ours/learner"), load(home / "ours/arm")
    waits = []
    with ExperienceClient(address, tmp_path / "spool", SPEC, credentials=actor) as client:
        while len(waits) < 3 and min(waits, default=9.0) > 2.0:
            time.sleep(6.0)
            with ExperienceServer(address, tmp_path / "log", SPEC, credentials=learner) as server:
                server.start(lambda arrival: None)
                started = time.monotonic()
                while not client.connected:
                    time.sleep(0.005)
                waits.append(time.monotonic() - started)
            while client.connected:
                time.sleep(0.005)
    assert min(waits) < 2.0


def test_folders_that_do_not_serve_are_told(home, tmp_path) -> None:
    def changed(name: str, change) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for file in (home / "ours/arm").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
            (folder / file.name).chmod(0o600)
        change(folder)
        return folder

    cases = {
        "readable": (lambda f: (f / "key.pem").chmod(0o644), "chmod 600"),
        "lone": (lambda f: (f / "key.pem").unlink(), "both"),
        "no_ca": (lambda f: (f / "ca.pem").unlink(), "no ca.pem"),
        "nothing": (lambda f: [(f / n).unlink() for n in ("key.pem", "certificate.pem")], "neither"),
        "text": (lambda f: (f / "certificate.pem").write_text("x"), "is no certificate"),
    }
    for name, (change, reason) in cases.items():
        with pytest.raises(ConfigError, match=reason):
            load(changed(name, change))
    with pytest.raises(ConfigError, match="robot-rl certificates"):
        load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="folder learner"):
        load(home / "token/actor").of_server()


def test_a_certificate_that_has_ended_is_told(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(certificates, "EARLY", datetime.timedelta(days=3))
    authority = certificates._authority(home / "ours/authority", 30)
    pair = certificates._signed(authority, "old", -1, None, [])
    pair.write(tmp_path, authority.certificate)
    with pytest.raises(ConfigError, match=r"certificate\.pem ended on"):
        load(tmp_path)


def test_one_command_makes_them_and_adds_actors_later(tmp_path, capsys) -> None:
    folder = tmp_path / "lab"
    robot_rl(["certificates", str(folder), "--hosts", "learner.lab", "192.168.1.4", "--actors", "arm1"])
    authority = (folder / "authority/certificate.pem").read_bytes()
    robot_rl(["certificates", str(folder), "--hosts", "learner.lab", "--actors", "arm2"])
    assert "--credentials" in capsys.readouterr().out
    assert (folder / "authority/certificate.pem").read_bytes() == authority
    assert (folder / "arm1/ca.pem").read_bytes() == (folder / "arm2/ca.pem").read_bytes() == authority
    assert not any(path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file())
    assert not (folder / "arm1/authority").exists()
    assert load(folder / "learner").of_server() is not None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["x"], "no actor is named"),
        (["x", "--actors", "a", "--token"], "leave out"),
        (["x", "--actors", "../a"], "no name"),
        (["x", "--actors", "learner"], "no name"),
        (["x", "--actors", "a", "--hosts", "a b"], "neither a host name"),
        (["x", "--actors", "a", "--days", "0"], "0 days"),
    ],
)
def test_mistakes_make_nothing(tmp_path, monkeypatch, arguments, line) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RobotRLError, match=line):
        robot_rl(["certificates", *arguments])
    assert not os.listdir(tmp_path)


def test_a_file_of_this_machine_is_an_address_too(home, tmp_path) -> None:
    address = f"unix:{tmp_path / 'door'}"
    with ExperienceServer(address, tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        deliver(address, tmp_path / "spool", None)
    with pytest.raises(ConfigError, match="omit credentials"):
        ExperienceClient(address, tmp_path / "spool", SPEC, credentials=load(home / "ours/arm"))

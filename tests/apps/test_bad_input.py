"""Every mistake on the command line: one line that says what is wrong and what to do, code 2, and no file."""

import json
import sys
from pathlib import Path

import pytest

from robot_rl.apps.main import main

CASES = [
    ("colect", "'collect'"),
    ("collect", "--out"),
    ("collect --ouT x", "--out"),
    ("collect --out x --task peg", "'peg_insert'"),
    ("collect --out x --episodes many", "whole number"),
    ("collect --out x --cameras frnt", "'front'"),
    ("collect --out x --device gampad", "'gamepad'"),
    ("collect --out x --cameras --task reach --device leader", "--ros"),
    ("collect --out x --cameras --task reach --device browser --port 99999", "another host or port"),
    ("collect --out x --ros --station twn", "'twin'"),
    ("collect --out x --ros --station broken.yaml", "broken.yaml"),
    ("train bcc --dataset x --out y", "'bc'"),
    ("train bc --dataset nowhere --out y", "nowhere"),
    ("train bc --dataset empty --out y", "empty"),
    ("train bc --dataset broken --out y", "broken"),
    ("train bc --dataset x --out y --method.lrs 1", "--method.lr"),
    ("train bc --dataset x --out y --method.lr fast", "'fast'"),
    ("train sac --dataset x --out y", "learner"),
    ("evaluate nowhere", "nowhere"),
    ("evaluate empty", "empty"),
    ("evaluate damaged", "damaged"),
    ("evaluate nowhere --episodes 0", "--episodes"),
    ("deploy nowhere --out y", "nowhere"),
    ("learner resfitt --folder y", "'resfit'"),
    ("learner resfit --folder y", "--task"),
    ("learner resfit --folder y --task peg_inser", "'peg_insert'"),
    ("learner resfit --folder y --task peg_insert", "base"),
    ("learner resfit --folder y --task peg_insert --base nowhere", "nowhere"),
    ("learner bc --folder y --task reach", "train"),
    ("actor nowhere --spool y --connect-timeout 0.1", "nowhere"),
    ("actor nowhere --spool y --wait sometimes", "--wait"),
    ("actor nowhere --spool y --ros --connect-timeout 0.1", "nowhere"),
    ("actor empty --spool y --ros --station twn", "'twin'"),
    ("actor empty --spool y --ros --station broken.yaml", "broken.yaml"),
    ("actor empty --spool y --ros --device gampad", "'gamepad'"),
    ("actor empty --spool y --ros --reward lnger", "'linger'"),
    ("actor empty --spool y --roz", "--ros"),
    ("learner sac --folder y --task reach --bind 0.0.0.0:50051", "robot-rl certificates"),
    ("learner sac --folder y --task reach --credentials nowhere", "robot-rl certificates"),
    ("learner sac --folder y --task reach --limits.actors 0", "actors must be"),
    ("actor empty --spool y --credentials nowhere", "robot-rl certificates"),
    ("certificates y", "--token"),
    ("certificates y --actors arm --hosts a/b", "'a/b'"),
    ("check twni", "'twin'"),
    ("check broken.yaml", "broken.yaml"),
    ("check twin --task reac", "'reach'"),
    ("check twin --checkpoint nowhere", "nowhere"),
    ("up --task reac", "'reach'"),
    ("report nowhere", "nowhere"),
    ("report empty", "empty"),
    ("doctor --jsn", "--json"),
    ("data inof x", "'info'"),
    ("data info nowhere", "nowhere"),
    ("data info --jsn x", "--json"),
    ("data check empty", "collect"),
    ("data check broken --strct", "--strict"),
    ("data stats broken", "broken"),
    ("data measures nowhere", "nowhere"),
    ("data verify", "missing"),
    ("data view empty", "empty"),
    ("data archive nowhere", "nowhere"),
    ("data convert nowhere y --format lerobot", "nowhere"),
    ("data convert empty y --format lerobt", "'lerobot'"),
    ("data edit delte x 1", "'delete'"),
    ("data edit delete empty", "collect"),
    ("data edit delete empty one", "whole numbers, not 'one'"),
    ("data edit relabel empty 1", "collect"),
    ("data edit undo nowhere", "nowhere"),
    ("data edit trim x 1", "--stop"),
    ("demo --task lift", "task"),
    ("collect --out x --reward lnger", "'linger'"),
    ("collect --out x --reward key", "no person"),
    ("collect --out x --reward empty", "rewards train"),
    ("rewards trian x", "'train'"),
    ("rewards train nowhere --out y", "nowhere"),
    ("rewards train x --out y --fpr 2", "false-positive rate"),
    ("rewards train x --out y --network.encoder resnet12", "--network.encoder"),
    ("rewards evaluate empty --classifier y", "collect"),
    ("rewards review nowhere --classifier empty", "rewards train"),
    ("rewards relabel x", "--classifier"),
]


def prepare(folder: Path) -> None:
    """The wrong things that the commands are pointed at."""
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "dataset.json").write_text("{")
    (folder / "damaged").mkdir()
    description = {"format": 1, "method": "bc", "config": {}, "spec": {}, "meta": {"task": "reach"}, "base": False}
    (folder / "damaged" / "checkpoint.json").write_text(json.dumps(description))
    (folder / "broken.yaml").write_text("name: twin\nlaunc: twin.launch.yaml\n")


@pytest.mark.parametrize(("command", "hint"), CASES, ids=[c for c, _ in CASES])
def test_one_line_and_code_2(
    command: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["robot-rl", *command.split()])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    complaint = [line for line in capfd.readouterr().err.splitlines() if line.startswith("robot-rl: ")]
    assert len(complaint) == 1, complaint
    assert hint in complaint[0]
    assert sorted(tmp_path.rglob("*")) == before

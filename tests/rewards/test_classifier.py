"""A classifier learns from some episodes, is tested on others, and says what it is."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from square import QUICK, SPEC, STEPS, Kind, record

from robot_rl.core.errors import CheckpointError, ConfigError, DatasetError, SpecError
from robot_rl.core.records import Frame, RewardSource
from robot_rl.core.rewards import Sight
from robot_rl.core.spec import IMAGES
from robot_rl.core.view import View
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.nets.vision.resnet import ResNet
from robot_rl.rewards.classifier import ClassifierReward, load_classifier
from robot_rl.rewards.file import make_reward
from robot_rl.rewards.frames import NEVER, ahead_of, labels_of, load_frames, split
from robot_rl.rewards.network import NetworkConfig, SuccessNet, trained_share
from robot_rl.rewards.testing import evaluate
from robot_rl.rewards.training import TrainingConfig, fit, train_classifier


def test_it_learns_and_is_tested_on_episodes_it_has_never_seen(trained, world):
    report, facts = trained.facts.report, trained.facts
    assert report["auc"] > 0.97
    assert report["tpr"] > 0.7
    assert report["fpr"] <= report["asked_fpr"]
    assert report["fpr_at_99_tpr"] < 0.3
    assert not set(facts.held_out) & set(facts.trained_on)
    uuids = {entry["uuid"] for entry in open_dataset(world).index}
    assert set(facts.held_out) | set(facts.trained_on) == uuids
    assert report["episodes"]["episodes"] == len(facts.held_out) == 8
    assert report["parameters_with_gradient"] == report["parameters"]
    assert facts.report["frames"] == len(facts.held_out) * (STEPS + 1)


def test_shuffled_labels_cannot_be_learnt(world):
    """The test on held-out episodes notices a network that has only memorised."""
    frames = load_frames(open_dataset(world), ("wrist",), 32, 10_000)
    held = split(frames, 0.3)
    rng = np.random.default_rng(0)
    shuffled = replace(frames, label=rng.permutation(frames.label))
    seen = shuffled.of(set(frames.origins) - set(held))
    network = fit(seen, replace(QUICK, updates=60), SuccessNet(("wrist",), QUICK.network))
    with torch.inference_mode():
        logit = network(torch.from_numpy(shuffled.of(held).images)).numpy()
    label = shuffled.of(held).label
    assert abs(float((logit[label][:, None] > logit[~label]).mean()) - 0.5) < 0.25


def test_edits_of_an_episode_stay_on_its_side_of_the_split(tmp_path, trained, world):
    root = tmp_path / "copy"
    shutil.copytree(world, root)
    with Editor(root) as editor:
        for number in range(6):
            editor.trim(number, 1, STEPS)
    dataset = open_dataset(root)
    frames = load_frames(dataset, ("wrist",), 32, 10_000)
    assert split(frames, 0.3) == trained.facts.held_out
    _, held, _ = evaluate(dataset, trained)
    assert held == trained.facts.held_out


def test_the_same_seed_gives_the_same_classifier(trained, world):
    again = train_classifier(open_dataset(world), QUICK)
    for name, tensor in again.network.state_dict().items():
        assert torch.equal(tensor, trained.network.state_dict()[name]), name
    assert again.facts == trained.facts


def test_it_comes_back_from_disk_as_it_was(trained, folder, world):
    again = load_classifier(folder)
    images = load_frames(open_dataset(world), ("wrist",), 32, 10_000).images[:50]
    for mine, theirs in zip(again.judge(images), trained.judge(images), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert again.facts == trained.facts
    (folder.parent / "odd").mkdir()
    with pytest.raises(CheckpointError, match="rewards train"):
        load_classifier(folder.parent / "odd")


def test_a_damaged_one_is_refused(folder, tmp_path):
    bad = shutil.copytree(folder, tmp_path / "bad")
    (bad / "network.safetensors").write_bytes(b"\x08" * 40)
    with pytest.raises(CheckpointError, match="damaged"):
        load_classifier(bad)


def sight(rgb, camera="wrist"):
    return Sight(state=None, objects={}, frames={camera: Frame(stamp=0.0, rgb=rgb)}, task=lambda: None)


def test_as_a_reward_it_judges_frames(folder, world):
    reward = make_reward(str(folder))
    assert isinstance(reward, ClassifierReward)
    assert reward.cameras == ("wrist",)
    dataset = open_dataset(world)
    right = wrong = 0
    for episode in dataset.episodes():
        reward.reset()
        label = labels_of(episode)
        for row in range(1, STEPS + 1):
            said = reward.outcome(sight(episode.obs[IMAGES + "wrist"][row]))
            assert said.judge is RewardSource.CLASSIFIER
            assert said.success == said.terminated == bool(said.reward)
            right += said.success == label[row]
            wrong += said.success != label[row]
    assert wrong < 0.05 * right
    assert not reward.alarm
    with pytest.raises(SpecError, match="64x48"):
        reward.outcome(sight(np.zeros((64, 48, 3), np.uint8)))
    with pytest.raises(SpecError, match="no image"):
        reward.outcome(sight(np.zeros((32, 32, 3), np.uint8), "front"))
    strict = ClassifierReward(load_classifier(folder), 1 - 1e-12)
    assert not strict.outcome(sight(dataset.episode(1).obs[IMAGES + "wrist"][STEPS])).success
    with pytest.raises(ConfigError, match="below 1"):
        ClassifierReward(load_classifier(folder), 1.0)


def test_it_sees_what_the_station_shows_of_a_camera(folder, world):
    """A larger image in which the dataset's image is a part, and twice its size."""
    rgb = np.asarray(open_dataset(world).episode(1).obs[IMAGES + "wrist"][STEPS])
    large = np.zeros((80, 100, 3), np.uint8)
    large[10:74, 30:94] = rgb.repeat(2, 0).repeat(2, 1)
    views = {"wrist": View(crop=(10, 30, 64, 64), size=(16, 16))}
    shown = ClassifierReward(load_classifier(folder), views=views)
    plain = ClassifierReward(load_classifier(folder))
    np.testing.assert_array_equal(
        shown.classifier.look({"wrist": large}, views), plain.classifier.look({"wrist": rgb}, {})
    )
    assert shown.outcome(sight(large)).success
    with pytest.raises(SpecError, match="80x100"):
        plain.outcome(sight(large))


def test_labels_follow_whoever_judged_last(tmp_path):
    root = record(tmp_path / "d", [Kind(), Kind(end=15), Kind(), Kind(end=15)])
    with Editor(root) as editor:
        editor.relabel([2], outcome="failure")
        editor.relabel([3], outcome="success")
    labels = [labels_of(episode) for episode in open_dataset(root).episodes()]
    assert [int(label.sum()) for label in labels] == [3, 0, 0, 1]
    assert labels[3][-1]
    assert ahead_of(labels[0]).tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert (ahead_of(labels[1]) == NEVER).all()


def test_too_little_to_learn_from(tmp_path):
    few = record(tmp_path / "few", [Kind(), Kind(), Kind(end=15)])
    with pytest.raises(DatasetError, match="too few"):
        train_classifier(open_dataset(few), QUICK)
    none = record(tmp_path / "none", [Kind(end=15)] * 3)
    with pytest.raises(DatasetError, match="keep-failures"):
        train_classifier(open_dataset(none), QUICK)
    with pytest.raises(ConfigError, match="'wrist'"):
        train_classifier(open_dataset(few), TrainingConfig(cameras=("wirst",)))


def test_a_large_dataset_is_thinned_out_but_no_success_is_lost(world):
    dataset = open_dataset(world)
    whole = load_frames(dataset, ("wrist",), 32, 10_000)
    some = load_frames(dataset, ("wrist",), 32, 100)
    assert len(whole) == 24 * (STEPS + 1)
    assert some.label.sum() == whole.label.sum()
    assert len(some) < 0.6 * len(whole)


@pytest.mark.parametrize("frozen", [False, True])
def test_larger_encoders_and_who_gets_a_gradient(tmp_path, frozen):
    """All that stands behind a frozen encoder learns, its spatial embedding too."""
    torch.manual_seed(3)
    file = tmp_path / "resnet.safetensors"
    pretrained = ResNet("resnet10")
    safetensors.torch.save_file(pretrained.state_dict(), file)
    config = NetworkConfig(encoder="resnet10", weights=str(file), frozen=frozen, size=32)
    network = SuccessNet(("wrist",), config).train()
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (4, 1, 32, 32, 3), dtype=np.uint8))
    reached, total = trained_share(network, images)
    own = sum(p.numel() for p in pretrained.parameters())
    if frozen:
        assert reached == total - own
    else:
        assert reached > 0.95 * total, "ReLU may leave single filters of a random network silent, no more"
    loaded = network.eyes[0].encoder.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in pretrained.state_dict().items())
    with pytest.raises(ConfigError, match="weights"):
        NetworkConfig(encoder="resnet10", frozen=True)


def test_changes_of_images_keep_what_they_must():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 16, 16, 3), np.uint8)
    same, moved = (TrainingConfig(shift=s, colour=0.0).augmentation.apply(rng, images) for s in (0, 3))
    assert np.array_equal(same, images)
    assert moved.shape == images.shape
    assert (moved != images).any()
    flat = np.full((4, 16, 16, 3), 100, np.uint8)
    out = TrainingConfig(shift=3, colour=0.2).augmentation.apply(rng, flat)
    assert (out.min((1, 2, 3)) == out.max((1, 2, 3))).all(), "a grey image stays even: only its brightness changes"
    assert 80 <= out.min() < out.max() <= 120
    assert SPEC.cameras == ["wrist"]

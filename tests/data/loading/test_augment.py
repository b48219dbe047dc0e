"""Augmentation against plain numpy: pad and crop bit for bit, the colour formula to the last digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_corpus import recorded
from make_episodes import IMAGE, STATE, observation

from robot_rl.core.errors import ConfigError
from robot_rl.data.loading.augment import Augmentation, Cuts, Draws
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.loading.pixels import GREY
from robot_rl.data.loading.windows import Window


def padded_cut(image: np.ndarray, offset: np.ndarray, height: int, width: int) -> np.ndarray:
    pad = 40
    bigger = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    y, x = offset + pad
    return bigger[y : y + height, x : x + width]


def augment(address: np.ndarray, source: tuple[int, int], out: np.ndarray, draws: Draws, stream: bool = False) -> None:
    cuts = Cuts(address, (*source, 3), out, np.arange(len(address)), draws)
    cuts.copy(slice(0, len(address)), stream)


def recoloured(image: np.ndarray, factors: np.ndarray) -> np.ndarray:
    brightness, contrast, saturation = factors.astype(np.float64)
    rgb = image.astype(np.float64)
    grey = rgb @ np.array(GREY)
    value = contrast * brightness * (saturation * rgb + (1 - saturation) * grey[..., None])
    return value + (1 - contrast) * brightness * grey.mean()


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    data=st.data(),
    seed=st.integers(0, 2**32 - 1),
    stream=st.booleans(),
)
def test_a_cut_is_pad_and_crop(shape, data, seed, stream):
    rng = np.random.default_rng(seed)
    height, width = (data.draw(st.integers(1, side)) for side in shape)
    images = rng.integers(0, 256, (4, *shape, 3), dtype=np.uint8)
    offset = rng.integers(-19, 20, (4, 2))
    out = np.full((4, height, width, 3), 7, np.uint8)
    augment(images.ctypes.data + np.arange(4) * images[0].nbytes, shape, out, Draws(offset, None), stream)
    for b in range(4):
        np.testing.assert_array_equal(out[b], padded_cut(images[b], offset[b], height, width))


@pytest.mark.parametrize("side", [84, 128])
def test_large_images_past_the_cache_at_any_place(side: int):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, side, side, 3), dtype=np.uint8)
    offset, at = rng.integers(-4, 5, (5, 2)), rng.permutation(7)[:5]
    memory = np.full(7 * images[0].nbytes + 5, 9, np.uint8)
    out = memory[5:].reshape(7, side, side, 3)  # begins at no cache line
    addresses = images.ctypes.data + np.arange(5) * images[0].nbytes
    Cuts(addresses, (side, side, 3), out, at, Draws(offset, None)).copy(slice(0, 5), True)
    for b in range(5):
        np.testing.assert_array_equal(out[at[b]], padded_cut(images[b], offset[b], side, side))
    untouched = np.setdiff1d(np.arange(7), at)
    assert (out[untouched] == 9).all()
    assert (memory[:5] == 9).all()


def test_colours_follow_the_formula():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 12, 10, 3), dtype=np.uint8)
    draws = Augmentation(shift=0, brightness=0.5, contrast=0.5, saturation=0.8).draw(rng, (12, 10, 3), 50)
    out = np.empty_like(images)
    augment(images.ctypes.data + np.arange(50) * images[0].nbytes, (12, 10), out, draws)
    for b in range(50):
        exact = np.clip(recoloured(images[b], draws.factors[b]), 0, 255)
        assert abs(out[b] - exact).max() <= 0.5 + 1e-3
    assert len(np.unique(draws.factors, axis=0)) == 50


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((1.0, 1.0, 1.0), [[10, 20, 30], [250, 100, 50]]),
        ((2.0, 1.0, 1.0), [[20, 40, 60], [255, 200, 100]]),
        ((0.5, 1.0, 1.0), [[5, 10, 15], [125, 50, 25]]),
        ((1.0, 1.0, 0.0), [[18, 18, 18], [139, 139, 139]]),  # grey 18.15 and 139.15
        ((1.0, 0.0, 1.0), [[79, 79, 79], [79, 79, 79]]),  # their mean, 78.65
    ],
)
def test_colours_worked_by_hand(factors, expected):
    image = np.array([[[10, 20, 30], [250, 100, 50]]], np.uint8)[None]
    out = np.empty_like(image)
    draws = Draws(np.zeros((1, 2), np.int64), np.array([factors], np.float32))
    augment(np.array([image.ctypes.data]), (1, 2), out, draws)
    assert out[0, 0].tolist() == expected


def test_draws_cover_their_range_evenly():
    draws = Augmentation(shift=2, crop=(6, 5), brightness=0.2).draw(np.random.default_rng(0), (8, 8, 3), 50_000)
    assert (draws.offset.min(axis=0) == [-2, -2]).all()
    assert (draws.offset.max(axis=0) == [4, 5]).all()
    assert abs(draws.offset.mean(axis=0) - [1.0, 1.5]).max() < 0.05
    assert abs(draws.factors[:, 0].mean() - 1.0) < 0.005
    assert abs(draws.factors[:, 0] - 1.0).max() < 0.2 + 1e-6
    assert (draws.factors[:, 1:] == 1.0).all()
    assert Augmentation(shift=4).draw(np.random.default_rng(0), (8, 8, 3), 5).factors is None
    assert Augmentation(crop=(6, 5)).centre((8, 8, 3), 2).offset.tolist() == [[1, 1], [1, 1]]


def test_images_of_one_window_move_together_and_only_images_change(tmp_path: Path):
    corpus = Corpus.of([recorded(tmp_path / "set", [30])])
    config = LoaderConfig(batch=16, window=Window(history=3), augmentation=Augmentation(shift=3, crop=(36, 32)))
    loader = Loader(corpus, config)
    assert loader.spec.observation[IMAGE].shape == (36, 32, 3)
    batch, shifts = loader.sample(), set()
    for b in range(16):
        found = []
        for k in range(3):
            episode, row = (int(x) for x in batch.obs[STATE][b, k, :2])
            whole = observation(episode, row)[IMAGE]
            places = [(y, x) for y in range(-3, 8) for x in range(-3, 12)]
            cut = batch.obs[IMAGE][b, k]
            found.append([p for p in places if (padded_cut(whole, np.array(p), 36, 32) == cut).all()])
        assert len(found[0]) == 1
        assert found[0] == found[1] == found[2]
        shifts.add(found[0][0])
        np.testing.assert_array_equal(batch.action[b, 0], batch.obs[STATE][b, -1, :2])
    assert len(shifts) > 8


def test_augmented_batches_are_equal_with_any_number_of_threads(tmp_path: Path):
    corpus = Corpus.of([recorded(tmp_path / "set", [30])])
    augmentation = Augmentation(shift=3, brightness=0.3)
    configs = [LoaderConfig(batch=64, augmentation=augmentation, threads=t) for t in (1, 3)]
    first, second = (Loader(corpus, config).sample() for config in configs)
    np.testing.assert_array_equal(first.obs[IMAGE], second.obs[IMAGE])


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(ConfigError, match="choose a smaller one"):
        Augmentation(crop=(9, 4)).cut((8, 8, 3))
    with pytest.raises(ConfigError, match="at least 0 pixels"):
        Augmentation(shift=-1)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Augmentation(contrast=1.5)
    with pytest.raises(ConfigError, match="three channels"):
        augment(
            np.zeros(1, np.int64), (4, 4), np.zeros((1, 4, 4, 1), np.uint8), Draws(np.zeros((1, 2), np.int64), None)
        )

"""Views against OpenCV's area averaging, and their one-line refusals."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import yaml

from robot_rl.core.errors import StationError
from robot_rl.core.station import FOLDER, load_station
from robot_rl.core.view import View

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 60, 3), np.uint8)
GOOD = yaml.safe_load((FOLDER / "twin.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("size", [(24, 30), (16, 20), (33, 41), (48, 60)])
def test_scaling_averages_over_the_area_of_each_pixel(size):
    want = cv2.resize(IMAGE, size[::-1], interpolation=cv2.INTER_AREA)
    got = View(size=size).apply(IMAGE)
    assert got.shape == (*size, 3)
    assert np.abs(got.astype(int) - want).max() <= 1


def test_crop_is_exact_and_comes_before_the_scaling():
    assert np.array_equal(View(crop=(5, 7, 20, 30)).apply(IMAGE), IMAGE[5:25, 7:37])
    both = View(crop=(5, 7, 20, 30), size=(10, 10)).apply(IMAGE)
    assert np.array_equal(both, View(size=(10, 10)).apply(IMAGE[5:25, 7:37]))
    assert View(crop=(5, 7, 20, 30)).shape(IMAGE.shape) == (20, 30, 3)


@pytest.mark.parametrize(
    ("camera", "text"),
    [
        ({"crop": [100, 0, 64, 64]}, "crop [100, 0, 64, 64] does not fit images of 128 x 128"),
        ({"crop": [0, 0, 64]}, "cameras.front.crop is [0, 0, 64], it must be four whole numbers"),
        ({"size": [64.5, 64]}, "it must be two whole numbers"),
        ({"size": [0, 64]}, "size [0, 64] does not fit"),
        ({"corp": [0, 0, 64, 64]}, "did you mean 'crop'"),
    ],
)
def test_views_of_a_station_are_checked(tmp_path, camera, text):
    front = {"width": 128, "height": 128, "rate": 15.0, **camera}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**GOOD, "cameras": {"front": front}}), encoding="utf-8")
    with pytest.raises(StationError) as error:
        load_station(str(path))
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_a_stations_views_are_read():
    cameras = load_station("twin_closeup").cameras
    assert cameras["front"].view == View(crop=(56, 36, 64, 64))
    assert load_station("twin").cameras["front"].view == View()

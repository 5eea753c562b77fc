"""What holds for the photographs."""

import numpy as np
import pytest

from skisp.datasets import load_photograph, load_photographs


def test_two_photographs_come_as_colour_images_of_bytes() -> None:
    photographs = load_photographs()
    assert [photograph.shape for photograph in photographs] == [(427, 640, 3)] * 2
    assert all(photograph.dtype == np.uint8 for photograph in photographs)


def test_a_photograph_is_loaded_by_its_name() -> None:
    china, flower = load_photographs()
    np.testing.assert_array_equal(load_photograph(), china)
    np.testing.assert_array_equal(load_photograph("flower"), flower)


@pytest.mark.parametrize("size", [1, 17, 320, 1280])
def test_size_is_the_longest_side_and_the_proportions_stay(size: int) -> None:
    photograph = load_photograph("china", size=size)
    assert photograph.shape == (max(1, round(size * 427 / 640)), size, 3)
    assert photograph.dtype == np.uint8


def test_a_reduced_photograph_is_averaged_not_sampled() -> None:
    photograph = load_photograph("china").astype(float)
    blocks = photograph[:424, :640].reshape(53, 8, 80, 8, 3).mean(axis=(1, 3))
    reduced = load_photograph("china", size=80).astype(float)
    assert np.abs(reduced - blocks).mean() < 0.4 * np.abs(photograph[4:424:8, 4:640:8] - blocks).mean()


def test_photographs_can_be_written_to_without_changing_later_ones() -> None:
    load_photographs()[0][:] = 0
    assert load_photograph("china").max() > 0


def test_an_unknown_photograph_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Unknown photograph 'cat'; known are 'china', 'flower'"):
        load_photograph("cat")


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_below_one_is_rejected(size: int) -> None:
    with pytest.raises(ValueError, match="size must be at least 1"):
        load_photograph(size=size)

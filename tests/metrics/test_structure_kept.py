import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skisp.metrics import structure_kept


def texture(seed, shape=(96, 192), size=2.0):
    """Noise smoothed to blobs, of mean 0.5 and deviation 0.12."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), size)
    return (0.5 + 0.12 * noise / noise.std()).clip(0, 1)


@pytest.fixture
def photo():
    grey = (texture(0) + 0.2 * np.cos(np.arange(192) / 20)).clip(0, 1)
    return grey[..., None] * [1.0, 0.9, 0.8]


@pytest.mark.parametrize(
    "recoloured",
    [lambda x: x, lambda x: 0.3 * x + 0.5, lambda x: 1 - x, lambda x: x * [0.2, 1, 0.5], lambda x: 0.02 * x],
    ids=["equal", "faded", "negative", "tinted", "dark"],
)
def test_brightness_contrast_and_sign_lose_nothing(recoloured, photo):
    assert structure_kept(photo, recoloured(photo)) == pytest.approx(
        1.0, abs=1e-3 if recoloured(photo).ndim == 2 else 1e-6
    )


def test_ramps_at_an_angle_keep_the_square_of_its_cosine_at_each_scale():
    y, x = np.mgrid[:128, :128] / 256
    angle = np.pi / 6
    turned = 0.25 + 0.5 * (np.cos(angle) * x + np.sin(angle) * y)
    # Mirrored borders bend the ramps a little.
    assert structure_kept(x, turned) == pytest.approx(np.cos(angle) ** 6, abs=0.03)


def test_blank_results_keep_nothing_and_blank_contents_have_nothing_to_keep(photo):
    blank = np.full_like(photo, 0.5)
    assert structure_kept(photo, blank) == structure_kept(blank, photo) == 0.0
    assert structure_kept(blank, 0.4 * blank) == 1.0

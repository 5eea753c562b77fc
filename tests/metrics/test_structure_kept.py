import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skisp.metrics import gradient_correlation, structure_kept


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


@pytest.mark.parametrize("curve", [np.sqrt, np.square, lambda x: 3 * x**2 - 2 * x**3, lambda x: 1 - x**2])
def test_a_smooth_curve_loses_little(curve, photo):
    assert 0.9 < structure_kept(photo, curve(photo)) < 1.0


def test_ramps_at_an_angle_keep_the_square_of_its_cosine_at_each_scale():
    y, x = np.mgrid[:128, :128] / 256
    angle = np.pi / 6
    turned = 0.25 + 0.5 * (np.cos(angle) * x + np.sin(angle) * y)
    # Mirrored borders bend the ramps a little.
    assert structure_kept(x, turned) == pytest.approx(np.cos(angle) ** 6, abs=0.03)


def test_other_pictures_and_moved_structure_keep_nothing(photo):
    assert structure_kept(photo, texture(1)) < 0.01
    assert structure_kept(photo, np.roll(photo, 16, axis=1)) < 0.02


def test_blank_results_keep_nothing_and_blank_contents_have_nothing_to_keep(photo):
    blank = np.full_like(photo, 0.5)
    assert structure_kept(photo, blank) == structure_kept(blank, photo) == 0.0
    assert structure_kept(blank, 0.4 * blank) == 1.0


def test_a_region_that_is_lost_costs_more_than_its_area(photo):
    result, lost = photo.copy(), (slice(24, 72), slice(72, 120))
    result[lost] = texture(1)[lost][..., None]
    area = 48 * 48 / (96 * 192)
    assert structure_kept(photo, result) < 1 - 3 * area


def test_one_region_lost_costs_more_than_as_much_lost_everywhere():
    content = texture(0, (192, 192))
    lost, thin = (np.zeros((192, 192), bool) for _ in range(2))
    lost[48:144, 48:144] = True
    thin[:, :] = (np.arange(192) % 96 < 24)[:, None]
    assert lost.sum() == thin.sum()
    one, everywhere = (
        structure_kept(content, np.where(where, texture(1, (192, 192)), content)) for where in (lost, thin)
    )
    assert one < everywhere


def test_a_faint_face_counts_beside_strong_edges(photo):
    """Lost where contrast is a third of the surroundings', which one correlation for the whole picture does not see."""
    face = (slice(24, 72), slice(72, 120))
    content = photo.copy()
    content[face] = 0.5 + 0.33 * (photo[face] - 0.5)
    result = content.copy()
    result[face] = 0.5 + 0.33 * (texture(1)[face][..., None] - 0.5)
    assert gradient_correlation(content, result) > 0.96
    assert structure_kept(content, result) < 0.8


def test_more_noise_keeps_less(photo):
    figures = [
        structure_kept(photo, (1 - share) * photo + share * texture(1)[..., None]) for share in (0, 0.1, 0.3, 0.6)
    ]
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < 0.3 < figures[1]

"""Every figure against its definition, written down once more with other tools: loops, SciPy and Pillow."""

from itertools import pairwise

import numpy as np
import PIL.Image
import pytest
from scipy.linalg import sqrtm
from scipy.ndimage import convolve1d, uniform_filter
from scipy.signal import correlate
from scipy.stats import wasserstein_distance

from skisp import metrics


def resized(image, height, width):
    """Antialiased bilinear, by Pillow."""
    planes = [PIL.Image.fromarray(np.ascontiguousarray(p, np.float32)) for p in np.moveaxis(image, 2, 0)]
    return np.stack([p.resize((width, height), PIL.Image.Resampling.BILINEAR) for p in planes], axis=2).astype(float)


def halvings(image, n_levels, least):
    levels = [image]
    while len(levels) < n_levels and min(levels[-1].shape[:2]) // 2 >= least:
        levels.append(resized(levels[-1], levels[-1].shape[0] // 2, levels[-1].shape[1] // 2))
    return levels


def bands(image, n_levels, least):
    levels = halvings(image, n_levels, least)
    return [fine - resized(coarse, *fine.shape[:2]) for fine, coarse in pairwise(levels)], levels[-1]


def grey(image):
    return image @ np.array([0.299, 0.587, 0.114])


def grey_halvings(image, n_levels, least):
    return [level[..., 0] for level in halvings(grey(image)[..., None], n_levels, least)]


def windows(image, side, stride=1):
    """All windows (n, side * side, ...) of an image, row by row."""
    height, width = image.shape[:2]
    return np.array(
        [
            image[i : i + side, j : j + side].reshape(side * side, *image.shape[2:])
            for i in range(0, height - side + 1, stride)
            for j in range(0, width - side + 1, stride)
        ]
    )


def patches(image):
    """Patches (n, 147) of 7 x 7 pixels, channels last."""
    return windows(image, 7).reshape(-1, 147)


def directions(n, shape):
    return np.random.RandomState(0).standard_normal((n, *shape))


def unit(vectors):
    vectors = vectors.reshape(len(vectors), -1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sliced(a, b, filters):
    """Mean of the Wasserstein distances of two clouds along directions, by SciPy."""
    return np.mean([wasserstein_distance(a @ one, b @ one) for one in filters])


@pytest.fixture(scope="module")
def pictures():
    """A content with detail at all scales, a style of tiles, and a result with other tiles over the content."""
    rng = np.random.default_rng(0)
    layers = [resized(rng.random((64 // n, 64 // n, 3)), 64, 64) for n in (1, 2, 4, 8, 16)]
    content = np.average(layers, axis=0, weights=[1, 1, 2, 3, 4])
    style = np.kron(rng.random((16, 16, 3)) * [0.9, 0.7, 0.5], np.ones((4, 4, 1)))
    return content, style, 0.4 * content + 0.6 * style[::-1, ::-1]


# What is kept of the content


def structure(content, result):
    levels = zip(grey_halvings(content, 5, 4)[1:], grey_halvings(result, 5, 4)[1:], strict=True)
    figures = []
    for a, b in levels:
        side = min(7, *a.shape)
        pairs = zip(windows(a, side), windows(b, side), strict=True)
        local = [(np.mean((x - x.mean()) * (y - y.mean())) + 4.5e-4) / (x.std() * y.std() + 4.5e-4) for x, y in pairs]
        figures.append(np.mean(local))
    return np.average(figures, weights=[0.2856, 0.3001, 0.2363, 0.1333])


def similarities(image):
    pooled = grey(image).reshape(32, 2, 32, 2).mean(axis=(1, 3))
    features = []
    for patch in windows(pooled, 9):  # 24 x 24 of them
        feature = np.append(patch - patch.mean(), 3 * patch.mean() - 1.5)
        features.append(feature / (np.linalg.norm(feature) + 1e-3))
    distances = 1 - np.array(features) @ np.array(features).T
    return distances / distances.sum(axis=0)


def gradient_fields(image):
    """Of smoothed luminance, at three scales."""
    for level in grey_halvings(image, 3, 8):
        for axis in (0, 1):
            level = convolve1d(level, [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16], axis, mode="mirror")
        yield np.stack(np.gradient(level))


def gradients(content, result):
    pairs = zip(gradient_fields(content), gradient_fields(result), strict=True)
    return [np.sum(g * h) / np.sqrt(np.sum(g * g) * np.sum(h * h)) for g, h in pairs]


def kept(content, result):
    """What regions of 48, 24 and 12 pixels keep, every half of them, and the last as large as fits."""
    figure = 1.0
    for size, g, h in zip((48, 24, 12), gradient_fields(content), gradient_fields(result), strict=True):
        gh, gg, hh = (uniform_filter(np.sum(x * y, axis=0), 7, mode="mirror") for x, y in ((g, h), (g, g), (h, h)))
        weights, shares = gg / (gg + gg.mean() / 10), gh**2 / (gg * hh)
        starts = [(i, j) for i in range(0, len(gg), size // 2) for j in range(0, len(gg), size // 2)]
        # No region begins where another has reached the border already.
        starts = [(i, j) for i, j in starts if max(i, j) + size // 2 < len(gg)]
        regions = [(slice(i, i + size), slice(j, j + size)) for i, j in starts]
        means = [np.average(shares[region], weights=weights[region]) for region in regions]
        figure *= 1 / np.average(1 / (np.array(means) + 0.05), weights=[weights[r].mean() for r in regions]) - 0.05
    return figure


def test_structure_is_that_of_windows_at_four_levels(pictures):
    content, _, result = pictures
    assert metrics.structure_similarity(content, result) == pytest.approx(structure(content, result), abs=1e-5)


def test_self_similarity_is_the_difference_of_columns_of_cosines(pictures):
    content, _, result = pictures
    expected = np.abs(similarities(content) - similarities(result)).sum(axis=0).mean()
    assert metrics.self_similarity_distance(content, result) == pytest.approx(expected, abs=1e-5)


def test_gradients_correlate_as_at_three_scales(pictures):
    content, _, result = pictures
    assert metrics.gradient_correlation(content, result) == pytest.approx(np.mean(gradients(content, result)), abs=1e-5)


def test_structure_kept_is_that_of_regions_at_three_scales(pictures):
    content, _, tiled = pictures
    result = 0.6 * content + 0.4 * tiled
    assert 0.05 < kept(content, result) < 0.95
    assert metrics.structure_kept(content, result) == pytest.approx(kept(content, result), rel=1e-3)


def test_content_similarity_is_the_geometric_mean_of_three(pictures):
    content, _, result = pictures
    terms = [
        structure(content, result),
        np.mean(gradients(content, result)),
        1 - np.abs(similarities(content) - similarities(result)).sum(axis=0).mean(),
    ]
    assert min(terms) > 0
    assert metrics.content_similarity(content, result) == pytest.approx(np.cbrt(np.prod(terms)), abs=1e-5)


def test_a_negative_keeps_no_layout_and_is_not_redrawn(pictures):
    """Two negative factors have a positive product."""
    content, style, _ = pictures
    assert min(*gradients(content, 1 - content)[:2], -structure(content, 1 - content)) < 0
    assert metrics.content_similarity(content, 1 - content) == 0.0
    report = metrics.propagation_report(content, style, 1 - content)
    assert report["content_kept"] == pytest.approx(kept(content, 1 - content)) == pytest.approx(1.0)
    assert report["redrawn"] < 0.1
    assert metrics.style_content_f(content, style, 1 - content) == 0.0


# What is gained of the style


@pytest.mark.parametrize("texture_only", [False, True])
def test_style_distance_is_the_sliced_distance_of_patches_at_each_level(pictures, texture_only):
    _, style, result = pictures
    filters = directions(96, (49, 3))
    filters = unit(filters - filters.mean(axis=1, keepdims=True) if texture_only else filters)
    levels = zip(halvings(style, 4, 12), halvings(result, 4, 12), strict=True)
    expected = np.mean([sliced(patches(a), patches(b), filters) for a, b in levels])
    found = metrics.style_distance(style, result, texture_only=texture_only)
    assert found == pytest.approx(expected, rel=0.02)  # of 512 quantiles, not of all


def test_color_distance_is_the_sliced_distance_of_pixels(pictures):
    _, style, result = pictures
    expected = sliced(style.reshape(-1, 3), result.reshape(-1, 3), unit(directions(96, (3,))))
    assert metrics.color_distance(style, result) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("part", [slice(0, 80), slice(80, 160)], ids=["upper", "lower"])
def test_large_pictures_are_sampled_all_over(part):
    """Half of the picture is changed: whichever half, the distance is that of all positions."""
    style = np.random.default_rng(0).random((160, 184, 3))
    result = style.copy()
    result[part] = 0.5
    filters = unit(directions(3, (49, 3)))
    levels = zip(halvings(style, 4, 12), halvings(result, 4, 12), strict=True)
    expected = np.mean([sliced(patches(a), patches(b), filters) for a, b in levels])
    assert metrics.style_distance(style, result, n_projections=3) == pytest.approx(expected, rel=0.03)
    expected = sliced(style.reshape(-1, 3), result.reshape(-1, 3), unit(directions(96, (3,))))
    assert metrics.color_distance(style, result) == pytest.approx(expected, rel=0.03)


def mean_free(image):
    each = windows(image, 7)
    return (each - each.mean(axis=1, keepdims=True)).reshape(-1, 147)


def whitener(covariance):
    values, vectors = np.linalg.eigh(covariance)
    values = values.clip(0)
    return vectors @ np.diag((values + 1e-2 * values.mean() + (0.1 / 255) ** 2) ** -0.5) @ vectors.T


def test_gram_distance_is_that_of_whitened_random_features(pictures):
    _, style, result = pictures
    filters, figures = unit(directions(128, (147,))), []
    for a, b in zip(halvings(style, 4, 24), halvings(result, 4, 24), strict=True):
        mean = mean_free(a).mean(axis=0)
        project = filters @ whitener(np.cov(mean_free(a).T, ddof=0))
        grams = []
        for image in (a, b):
            features = np.maximum((mean_free(image) - mean) @ project.T, 0)
            grams.append(features.T @ features / len(features))
        sizes = [np.linalg.norm(gram) for gram in grams]
        figures.append(np.linalg.norm(grams[0] - grams[1]) / sum(sizes))
    assert len(figures) == 2
    assert metrics.random_gram_distance(style, result) == pytest.approx(np.mean(figures), rel=1e-3)


def descriptors(image, project, mean):
    """What windows of 8 x 8 show, every 4 pixels: roots of the magnitudes of responses, and colour."""
    padded = np.pad(image, [(3, 3), (3, 3), (0, 0)], mode="reflect")
    maps = []
    for one in project:
        kernel = one.reshape(7, 7, 3)
        kernel = kernel - kernel.mean(axis=(0, 1))
        maps.append(np.abs(correlate(padded, kernel, mode="valid")[..., 0] - kernel.ravel() @ mean))
    means = windows(np.dstack([*maps, image]), 8, 4).mean(axis=1)
    return np.hstack([np.sqrt(means[:, :-3]), means[:, -3:]])


def frechet(style, results):
    """The distance to each of ``results`` at each of two levels, (n, 2)."""
    filters, distances = unit(directions(48, (147,))), []
    for level in range(2):
        own = halvings(style, 2, 32)[level]
        project = filters @ whitener(np.cov(mean_free(own).T, ddof=0))
        mean = mean_free(own).mean(axis=0)
        first = descriptors(own, project, mean)
        white = whitener(np.cov(first.T, ddof=0))
        distances.append([])
        for result in results:
            second = descriptors(halvings(result, 2, 32)[level], project, mean)
            covariances = [np.cov((one @ white).T, ddof=0) for one in (first, second)]
            offset = (first.mean(axis=0) - second.mean(axis=0)) @ white
            cross = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
            distances[-1].append(np.sqrt(offset @ offset + np.trace(covariances[0] + covariances[1]) - 2 * cross))
    return np.array(distances).T


def test_frechet_distance_is_that_of_local_descriptors(pictures):
    _, style, result = pictures
    [expected] = frechet(style, [result]).mean(axis=1)
    assert metrics.frechet_style_distance(style, result) == pytest.approx(expected, rel=1e-3)


# Scores


def left(content, style, result):
    """Share of the energy that local least squares leave of the result's bands."""
    answers = metrics.trivial_answers(content, style)
    blurred = np.pad(content, [(1, 1), (1, 1), (0, 0)], mode="reflect")
    blurred = windows(blurred, 3).mean(axis=1).reshape(content.shape)
    images = [result, content, blurred, answers["histogram"], answers["distribution"], style]
    residual = total = 0.0
    for y, *x in zip(*[bands(grey(image)[..., None], 4, 8)[0] for image in images], strict=True):
        y, *x = (windows(one[..., 0], min(9, *y.shape[:2]), 4) for one in (y, *x))
        for i in range(len(y)):
            n = len(y[i])
            # A ridge of the squared rounding of 8 bits, as rows below.
            design = np.vstack([np.stack([one[i] for one in x], axis=1), n**0.5 / 255 * np.eye(5)])
            target = np.append(y[i], np.zeros(5))
            residual += np.sum((target - design @ np.linalg.lstsq(design, target)[0]) ** 2) / n / len(y)
            total += np.mean(y[i] ** 2) / len(y)
    return residual / total


def test_redrawn_is_what_local_least_squares_leave(pictures):
    assert 0.05 < left(*pictures) < 0.95
    assert metrics.redrawn_share(*pictures) == pytest.approx(left(*pictures), abs=1e-4)


def test_the_score_is_the_product_of_what_is_gained_redrawn_and_kept(pictures):
    content, style, result = pictures
    answers = metrics.trivial_answers(content, style)
    distances = frechet(style, [result, content, answers["histogram"], answers["distribution"]])
    gained = 1 - np.mean(distances[0] / distances[1:].min(axis=0))
    redrawn = (1 + 0.15**4) / (1 + (0.15 / left(*pictures)) ** 4)
    report = metrics.propagation_report(content, style, result)
    assert 0.05 < gained < 0.95
    assert report["style_gained"] == pytest.approx(gained, abs=2e-3)
    assert report["redrawn"] == pytest.approx(redrawn, abs=1e-4)
    assert report["content_kept"] == pytest.approx(kept(content, result), rel=1e-3)
    assert report["score"] == pytest.approx(gained * redrawn * kept(content, result) ** 1.25, rel=0.02)


def standardised(band):
    return (band - band.mean(axis=(0, 1))) / np.maximum(band.std(axis=(0, 1)), 0.1 / 255)


def test_f_is_the_harmonic_mean_of_texture_gained_and_edges_kept(pictures):
    content, style, result = pictures
    filters = unit(directions(96, (49, 3)))
    texture = []
    for image in (style, content, result):
        of_bands, rest = bands(image, 4, 12)
        texture.append([patches(standardised(band)) for band in (*of_bands, rest)])
    target, start, end = texture
    distances = [np.mean([sliced(a, b, filters) for a, b in zip(one, target, strict=True)]) for one in (start, end)]
    gained, kept = 1 - distances[1] / distances[0], np.mean(gradients(content, result))
    expected = 2 * gained * kept / (gained + kept)
    assert metrics.style_content_f(content, style, result) == pytest.approx(expected, abs=2e-3)

"""Images of any size to fields of patch codes, and back."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer

from ._coders import KeepingRows


@pytest.fixture
def images(rng):
    return [rng.random((20, 26, 3), dtype=np.float32), rng.random((9, 33, 3), dtype=np.float32)]


def full_rank(n_features):
    return PatchTransformer(PCA(n_features), patch_size=5, max_patches=2000, random_state=0)


def test_each_image_has_a_field_of_its_own_size(images, pca_patches):
    fields = pca_patches.fit(images).transform(images)
    assert [field.shape for field in fields] == [(16, 22, 6), (5, 29, 6)]
    assert isinstance(fields, list)


def test_a_stack_of_images_gives_a_stack_of_fields(rng, pca_patches):
    stack = rng.random((3, 12, 14, 3))
    fields = pca_patches.fit_transform(stack)
    assert fields.shape == (3, 8, 10, 6)
    assert pca_patches.inverse_transform(fields).shape == (3, 12, 14, 3)


def test_a_code_is_that_of_the_patch_at_its_place(images, pca_patches):
    field = pca_patches.fit(images).transform(images)[0]
    row = images[0][3:8, 7:12].transpose(2, 0, 1).reshape(1, -1)  # channel by channel
    np.testing.assert_allclose(field[3, 7], pca_patches.transformer_.transform(row)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_codes_of_full_rank_give_the_image_back(rng, n_channels):
    images = [rng.random((15, 18, n_channels)), rng.random((5, 5, n_channels))]
    patches = full_rank(25 * n_channels).fit(images)
    for image, back in zip(images, patches.inverse_transform(patches.transform(images)), strict=True):
        assert back.dtype == np.float32
        np.testing.assert_allclose(back, image, atol=1e-4)


def test_decoded_images_lie_in_0_to_1(images, pca_patches):
    fields = pca_patches.fit(images).transform(images)
    for image in pca_patches.inverse_transform([100 * field for field in fields]):
        assert image.min() >= 0
        assert image.max() <= 1


def test_colour_and_grey_images_are_coded_by_what_was_fitted(images, pca_patches):
    grey = [image.mean(2) for image in images]
    assert pca_patches.fit(images).transform(grey)[0].shape == (16, 22, 6)
    assert pca_patches.fit(grey).transform(images)[0].shape == (16, 22, 6)


def test_the_default_codes_by_a_cvae(images):
    patches = PatchTransformer(max_patches=300, random_state=0).fit([images[0]])
    assert isinstance(patches.transformer_, CVAETransformer)
    assert patches.transform([images[0]])[0].shape == (14, 20, 12)


def test_small_images_are_fitted_at_their_own_size_only(images):
    # Of a short side below 48 there is but one level: every patch sampled is one of the image's.
    patches = PatchTransformer(KeepingRows(2), patch_size=5, max_patches=50, random_state=0).fit([images[0]])
    windows = np.lib.stride_tricks.sliding_window_view(images[0], (5, 5), axis=(0, 1)).reshape(-1, 75)
    assert {row.tobytes() for row in patches.transformer_.rows} <= {row.tobytes() for row in windows}


def test_rows_go_to_the_transformer_as_they_are(rng):
    rows = rng.random((60, 12))
    patches = PatchTransformer(PCA(4, svd_solver="full")).fit(rows)
    expected = PCA(4, svd_solver="full").fit(rows)
    np.testing.assert_allclose(patches.transform(rows), expected.transform(rows))
    np.testing.assert_allclose(
        patches.inverse_transform(patches.transform(rows)), expected.inverse_transform(expected.transform(rows))
    )
    assert patches.images_ == []
    assert patches.n_features_in_ == 12


def test_a_memory_map_of_rows_is_not_read_before_the_transformer_has_it(rng, tmp_path):
    rows = np.memmap(tmp_path / "rows", np.float32, "w+", shape=(50, 12))
    rows[:] = rng.random((50, 12))
    patches = PatchTransformer(KeepingRows(2, random_state=0)).fit(rows)
    assert type(patches.transformer_.rows) is np.memmap
    assert patches.n_features_in_ == 12
    in_memory = PatchTransformer(KeepingRows(2, random_state=0)).fit(np.array(rows))
    np.testing.assert_array_equal(patches.transform(rows), in_memory.transform(rows))


def test_images_are_refused_where_rows_were_fitted(rng, images):
    """A grey image of floats may have been meant: it is rows, as any table is."""
    patches = PatchTransformer(PCA(4)).fit(rng.random((60, 12)))
    with pytest.raises(ValueError, match=r"fitted on rows; fit it on images.*put that in a list: an array of two axes"):
        patches.transform(images)
    with pytest.raises(ValueError, match="fitted on rows; fit it on images"):
        patches.inverse_transform([np.zeros((3, 3, 4))])


def test_grey_and_colour_are_not_mixed(images, pca_patches):
    with pytest.raises(ValueError, match=r"mixes grey and colour images.*convert\('RGB'\)"):
        pca_patches.fit([images[0], images[1][..., 0]])


def test_images_smaller_than_a_patch_are_refused(images, pca_patches):
    with pytest.raises(ValueError, match=r"image 1 of X is 4 x 9 pixels, smaller than a patch of 5\. Use a larger"):
        pca_patches.fit([images[0], np.zeros((4, 9, 3))])
    with pytest.raises(ValueError, match="image 0 of X is 9 x 4 pixels, smaller than a patch of 5"):
        pca_patches.fit(images).transform([np.zeros((9, 4, 3))])


def test_a_pyramid_below_the_patch_is_refused(images):
    with pytest.raises(ValueError, match="max_size=4 is smaller than patch_size=5"):
        PatchTransformer(PCA(2), patch_size=5, max_size=4).fit(images)


def test_one_seed_gives_one_fit(images):
    fits = [
        PatchTransformer(
            CVAETransformer(2, hidden_layer_sizes=(8,), max_iter=2), patch_size=5, max_patches=200, random_state=seed
        ).fit_transform(images)[0]
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


def test_a_seed_of_the_transformers_own_is_kept(images):
    patches = PatchTransformer(PCA(2, random_state=7), patch_size=5, max_patches=200, random_state=0).fit(images)
    assert patches.transformer_.random_state == 7


def test_a_frozen_transformer_codes_patches_as_it_is(images, rng):
    coder = PCA(3).fit(rng.random((20, 75)))
    fitted = PatchTransformer(FrozenEstimator(coder), patch_size=5, random_state=0).fit(images)
    assert fitted.transformer_.estimator is coder
    assert fitted.transform(images)[0].shape[2] == 3

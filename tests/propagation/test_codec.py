"""Row transformers as the propagation sees them."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from skisp.propagation._codec import PatchCodec, code_metric
from sklearn.decomposition import PCA

from skisp import CVAETransformer
from skisp.propagation import _codec


@pytest.fixture(scope="module")
def patches():
    rng = np.random.default_rng(0)
    return torch.from_numpy((rng.normal(size=(400, 6)) @ rng.normal(size=(6, 27)) + 0.5).astype(np.float32))


@pytest.fixture(scope="module")
def cvae(patches):
    return CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=3, random_state=0).fit(patches.numpy())


def test_the_metric_of_a_pca_is_the_identity(patches):
    metric = code_metric(PCA(4).fit(patches), patches)
    np.testing.assert_allclose(metric, np.eye(4), atol=1e-3)


@pytest.mark.parametrize("whiten", [False, True])
def test_codes_are_as_far_apart_as_the_patches_they_decode_to(patches, whiten):
    pca = PCA(4, whiten=whiten).fit(patches.numpy())
    codec = PatchCodec(pca, code_metric(pca, patches))
    decoded = pca.inverse_transform(pca.transform(patches.numpy()))
    np.testing.assert_allclose(pdist(codec.encode(patches)), pdist(decoded), rtol=2e-3)


def test_the_metric_of_a_cvae_makes_distances_of_codes_follow_those_of_decoded_patches(patches, cvae):
    codec = PatchCodec(cvae, code_metric(cvae, patches))
    decoded = cvae.inverse_transform(cvae.transform(patches.numpy()))
    assert np.corrcoef(pdist(codec.encode(patches)), pdist(decoded))[0, 1] > 0.8


def test_chunks_do_not_change_codes(patches, monkeypatch):
    pca = PCA(4).fit(patches.numpy())
    codec = PatchCodec(pca, np.eye(4, dtype=np.float32))
    whole = codec.encode(patches)
    monkeypatch.setattr(_codec, "_PATCHES_AT_ONCE", 33)
    torch.testing.assert_close(codec.encode(patches), whole)
    assert whole.dtype == torch.float32


def test_all_the_detail_and_no_noise_keeps_the_patches(patches, cvae):
    codec = PatchCodec(cvae, np.eye(4, dtype=np.float32))
    torch.testing.assert_close(codec.renew(patches, None, 1.0), patches, rtol=0, atol=0)
    torch.testing.assert_close(codec.renew(patches, torch.zeros(400, 4), 1.0), patches, rtol=1e-5, atol=1e-5)


def test_no_detail_is_the_reconstruction(patches, cvae):
    codec = PatchCodec(cvae, np.eye(4, dtype=np.float32))
    expected = cvae.inverse_transform(cvae.transform(patches.numpy()))
    np.testing.assert_allclose(codec.renew(patches, None, 0.0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("detail", [0.0, 0.3, 1.0])
def test_new_patches_are_drawn_from_the_posterior(patches, cvae, detail):
    noise = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    mean, scale = cvae.posterior(patches.numpy())
    model = cvae.inverse_transform(mean + scale * noise.numpy())
    residual = patches.numpy() - cvae.inverse_transform(mean)
    renewed = PatchCodec(cvae, np.eye(4, dtype=np.float32)).renew(patches, noise, detail)
    np.testing.assert_allclose(renewed, model + detail * residual, rtol=1e-4, atol=1e-5)


def test_a_transformer_without_a_posterior_draws_nothing_new(patches):
    pca = PCA(4).fit(patches.numpy())
    renewed = PatchCodec(pca, np.eye(4, dtype=np.float32)).renew(patches, torch.ones(400, 4), 1.0)
    torch.testing.assert_close(renewed, patches, rtol=0, atol=1e-5)

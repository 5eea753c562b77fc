"""Row transformers as the propagation sees them."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from skisp import CVAETransformer
from skisp._chunks import chunk_sizes
from skisp.propagation._patch_codec import JointCodec, PatchCodec, code_metric


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
    monkeypatch.setattr(chunk_sizes, "patches", 33)
    torch.testing.assert_close(codec.encode(patches), whole)
    assert whole.dtype == torch.float32


def generated(transformer, patches, *, step=None, noise=None, detail=1.0):
    codec = PatchCodec(transformer, np.eye(4, dtype=np.float32))
    return codec.generate(patches, codec.encode(patches), step, noise, detail)


def test_all_the_detail_and_neither_noise_nor_step_keep_the_patches(patches, cvae):
    torch.testing.assert_close(generated(cvae, patches), patches, rtol=0, atol=0)
    zeros = torch.zeros(400, 4)
    torch.testing.assert_close(generated(cvae, patches, step=zeros, noise=zeros), patches, rtol=1e-5, atol=1e-5)


def test_no_detail_is_the_reconstruction(patches, cvae):
    expected = cvae.inverse_transform(cvae.transform(patches.numpy()))
    np.testing.assert_allclose(generated(cvae, patches, detail=0.0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("detail", [0.0, 0.3, 1.0])
def test_new_patches_are_sampled_about_their_code_with_the_spread_of_the_posterior(patches, cvae, detail):
    noise = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    code, (_, scale) = cvae.transform(patches.numpy()), cvae.posterior(patches.numpy())
    model = cvae.inverse_transform(code + scale * noise.numpy())
    residual = patches.numpy() - cvae.inverse_transform(code)
    new = generated(cvae, patches, noise=noise, detail=detail)
    np.testing.assert_allclose(new, model + detail * residual, rtol=1e-4, atol=1e-5)


def test_a_transformer_without_a_posterior_adds_no_noise(patches):
    new = generated(PCA(4).fit(patches.numpy()), patches, noise=torch.ones(400, 4))
    torch.testing.assert_close(new, patches, rtol=0, atol=1e-5)


def test_a_step_of_the_code_adds_what_the_decoder_makes_of_it(patches):
    pca, step = PCA(4).fit(patches.numpy()), torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    expected = patches + step @ torch.from_numpy(pca.components_.astype(np.float32))
    torch.testing.assert_close(generated(pca, patches, step=step), expected, rtol=0, atol=1e-4)


@pytest.fixture
def joint(patches):
    """Of two styles, coded by 4 and by 3 components."""
    codecs = [PatchCodec(PCA(n).fit(patches.numpy()), np.eye(n, dtype=np.float32)) for n in (4, 3)]
    return codecs, JointCodec(codecs, [0.25, 0.75])


def test_distances_of_joint_codes_are_the_weighted_mean_of_those_by_each_coder(patches, joint):
    codecs, both = joint
    first, second = (pdist(codec.encode(patches)) ** 2 for codec in codecs)
    np.testing.assert_allclose(pdist(both.encode(patches)) ** 2, 0.25 * first + 0.75 * second, rtol=1e-4)


@pytest.mark.parametrize("origin", [[0] * 7, [1] * 7, [0, 1, 1, 0, 1, 0, 0]])
def test_new_patches_are_each_by_the_coder_of_their_style_even_where_one_has_none(patches, joint, origin):
    codecs, both = joint
    some, step = patches[:7], 0.1 * torch.ones(7, 7)
    new = both.generate(some, both.encode(some), step, None, 0.5, torch.tensor(origin))
    by_each = [
        codec.generate(some, codec.encode(some), part / scale, None, 0.5)
        for codec, part, scale in zip(codecs, step.split([4, 3], dim=1), (0.25**0.5, 0.75**0.5), strict=True)
    ]
    torch.testing.assert_close(new, torch.stack([by_each[style][i] for i, style in enumerate(origin)]))

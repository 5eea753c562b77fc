"""scikit-learn's contract, for every estimator, with no expected failure."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator


def small_cvae(**parameters):
    return CVAETransformer(
        2, **{"hidden_layer_sizes": (8,), "conv_channels": (2,), "max_iter": 2, "n_scoring_samples": 4, **parameters}
    )


def fitted_style():
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    return FrozenEstimator(small_cvae(random_state=0).fit(rows))


@parametrize_with_checks(
    [
        small_cvae(),
        # Not GELU: torch has two versions of it that differ in the last bit, and which one an element of images meets
        # depends on its place in the batch; scikit-learn wants codes in any order of rows to agree to 1e-7.
        small_cvae(network="conv", activation="relu", likelihood="gaussian"),
        PatchTransformer(PCA(1)),
        StylePropagator(small_cvae(), fitted_style()),
        ImageReader(),
    ]
)
def test_estimator_honours_the_contract_of_scikit_learn(estimator, check):
    check(estimator)

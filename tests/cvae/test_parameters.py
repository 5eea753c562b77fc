"""In which direction each parameter of the C-VAE acts, as its description promises."""

import numpy as np
import torch
from sklearn.datasets import load_digits

from skisp import CVAETransformer
from skisp.cvae._networks import CVAENetwork
from skisp.cvae._pca_start import start_from_pca

ROWS = (load_digits().images[:200] / 16).astype(np.float32).reshape(200, 64)
TRAINED = {"init": "random", "learning_rate": 3e-3, "batch_size": 50, "max_iter": 12}


def fitted(**parameters):
    defaults = {"n_components": 4, "hidden_layer_sizes": (16,), "max_iter": 4, "random_state": 0, "device": "cpu"}
    return CVAETransformer(**{**defaults, **parameters}).fit(ROWS)


def rising(values):
    return bool(np.all(np.diff(values) > 0))


def error(cvae):
    return float(np.square(cvae.inverse_transform(cvae.transform(ROWS)) - ROWS).mean())


def distance(one, other):
    """How far the codes of two models are apart."""
    return float(np.square(one.transform(ROWS) - other.transform(ROWS)).mean())


def weights(cvae):
    return sum(float(part.square().sum()) for name, part in cvae.module_.named_parameters() if part.ndim > 1)


def test_more_components_restore_rows_better():
    assert rising([-error(fitted(n_components=n)) for n in (1, 4, 12)])


def test_more_weight_on_the_kl_term_leaves_less_in_the_codes_and_restores_rows_worse():
    models = [fitted(kl_weight=weight, **TRAINED) for weight in (0.1, 1.0, 10.0)]
    assert rising([-model.kl_per_component_.sum() for model in models])
    assert rising([error(model) for model in models])


def test_a_greater_fixed_noise_leaves_less_in_the_codes():
    models = [fitted(likelihood="gaussian", noise_scale=noise) for noise in (0.1, 0.3, 0.9)]
    assert rising([-model.kl_per_component_.sum() for model in models])


def test_more_samples_raise_the_score_towards_the_density():
    """Fewer samples give a bound that lies lower, the more so the less the posterior fits."""
    model = fitted(kl_weight=3.0, **TRAINED)
    assert rising([model.set_params(n_scoring_samples=n).score(ROWS) for n in (1, 8, 128)])


def test_a_greater_learning_rate_goes_further_from_the_start():
    start = fitted(learning_rate=1e-9)
    assert rising([distance(start, fitted(learning_rate=rate)) for rate in (1e-4, 1e-3, 1e-2)])


def test_one_cycle_ends_with_smaller_steps_than_a_constant_rate():
    """The last epochs of a constant rate still move the codes, those of a cycle hardly do."""
    moved = []
    for schedule in ("one_cycle", "constant"):
        curve = fitted(learning_rate_schedule=schedule, **TRAINED | {"max_iter": 30, "learning_rate": 0.02}).loss_curve_
        moved.append(np.abs(np.diff(curve[-6:])).mean())
    assert moved[0] < 0.9 * moved[1]


def test_smaller_batches_take_more_steps_in_an_epoch():
    """So that one epoch explains more from a random start."""
    models = [fitted(**TRAINED | {"max_iter": 1, "batch_size": size}) for size in (200, 50, 10)]
    assert rising([-model.loss_ for model in models])


def test_more_weight_decay_makes_weights_smaller():
    assert rising([-weights(fitted(weight_decay=decay, **TRAINED)) for decay in (0.0, 1.0, 10.0)])


def test_more_epochs_learn_more():
    models = [fitted(**TRAINED | {"max_iter": n}) for n in (1, 5, 25)]
    assert [model.n_iter_ for model in models] == [1, 5, 25]
    assert rising([-model.loss_ for model in models])


def test_a_greater_tolerance_and_less_patience_end_training_sooner():
    def n_epochs(**parameters):
        more = {"early_stopping": True, "learning_rate_schedule": "constant", **TRAINED, "max_iter": 40}
        return fitted(**more | parameters).n_iter_

    assert n_epochs(tol=1e9, n_iter_no_change=2) < n_epochs(tol=1e9, n_iter_no_change=6) < n_epochs(tol=1e-4)
    assert n_epochs(tol=1e9, n_iter_no_change=2) <= 3


def test_wider_layers_restore_rows_better():
    models = [fitted(hidden_layer_sizes=sizes, **TRAINED | {"max_iter": 25}) for sizes in ((2,), (64,))]
    assert error(models[1]) < error(models[0])


def test_networks_without_activation_are_linear():
    """The code of a mean of rows is the mean of their codes."""
    for activation, is_linear in (("identity", True), ("tanh", False)):
        model = fitted(activation=activation, **TRAINED)
        pairs = ROWS[:100], ROWS[100:200]
        middle = model.transform((pairs[0] + pairs[1]) / 2)
        means = (model.transform(pairs[0]) + model.transform(pairs[1])) / 2
        assert bool(np.abs(middle - means).max() < 1e-3) is is_linear


def test_convolutions_know_what_is_near():
    """A dense network does not care in which order the columns are, convolutions of the image's shape do."""
    shuffled, gaps = ROWS[:, np.random.default_rng(0).permutation(64)], []
    for network in ("dense", "conv"):
        options = {"network": network, "image_shape": (8, 8), "conv_channels": (8, 16)}
        losses = [
            CVAETransformer(4, **options, **TRAINED, hidden_layer_sizes=(16,), random_state=0, device="cpu")
            .fit(rows)
            .loss_
            for rows in (ROWS, shuffled)
        ]
        gaps.append(losses[1] - losses[0])
    assert gaps[1] > abs(gaps[0]) + 0.8


def test_the_start_leaves_the_running_statistics_of_the_layers_to_the_training():
    network = CVAENetwork(64, n_components=3, hidden_layer_sizes=(8,), linear=True)
    before = {name: part.clone() for name, part in network.named_buffers() if "running" in name}
    start_from_pca(network, torch.from_numpy(ROWS), torch.ones(len(ROWS), dtype=torch.float64), 0)
    after = dict(network.named_buffers())
    assert before
    assert all(torch.equal(after[name], part) for name, part in before.items())

"""scikit-learn's contract, for every estimator, with no expected failure."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skisp import CVAETransformer


@parametrize_with_checks(
    [
        CVAETransformer(2, hidden_layer_sizes=(8,), max_iter=2, n_importance_samples=4),
        CVAETransformer(2, hidden_layer_sizes=(), likelihood="gaussian", max_iter=2, n_importance_samples=4),
    ]
)
def test_estimator_honours_the_contract_of_scikit_learn(estimator, check):
    check(estimator)

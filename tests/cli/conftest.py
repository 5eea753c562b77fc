import pytest

from skisp import CVAETransformer, PatchTransformer


@pytest.fixture(scope="module")
def quick_training():
    """Styles are learnt in two epochs instead of the default's sixteen: what is drawn does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            PatchTransformer,
            "_unfitted_transformer",
            lambda _: CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2),
        )
        yield

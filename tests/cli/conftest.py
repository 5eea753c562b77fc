import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer


@pytest.fixture(scope="module")
def quick_training():
    """Styles are learnt by a PCA, which takes no epochs: what is drawn does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PatchTransformer, "_unfitted_transformer", lambda _: PCA(4))
        yield

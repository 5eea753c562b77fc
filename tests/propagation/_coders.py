"""Coders that the tests of patches share."""

from sklearn.decomposition import PCA


class KeepingRows(PCA):
    """A PCA that keeps the rows it is fitted on."""

    def fit(self, X, y=None):
        self.rows = X
        return super().fit(X)

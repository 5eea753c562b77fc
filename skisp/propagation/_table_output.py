"""``set_output`` of estimators that take tables or images: tables may become DataFrames, images stay arrays."""

from typing import Any, ClassVar, Self

from sklearn.base import ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

__all__ = ["TableOutput"]


class TableOutput:
    """Methods that name the columns of what ``transform`` gives for a table.

    A class has ``_n_features_out``, the number of those columns, says by ``_redraws_columns`` whether as
    many columns as in ``X`` are the same ones, and by ``_gives_images`` whether it was fitted on images.
    """

    _redraws_columns: ClassVar[bool] = False

    n_features_in_: int
    _n_features_out: int

    def _gives_images(self) -> bool:
        raise NotImplementedError

    # Where there are no names scikit-learn leaves alone what transform gives.
    @available_if(lambda self: not self._gives_images())
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the columns that ``transform`` gives for a table.

        Those of ``X`` where its columns are redrawn, else the name of the class with a number. There is
        no such method after a fit on images.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of ``X``, where it had none in ``fit``.

        Returns
        -------
        names : ndarray of str
            One a column.
        """
        check_is_fitted(self)
        same = self._redraws_columns and self._n_features_out == self.n_features_in_
        naming = OneToOneFeatureMixin if same else ClassNamePrefixFeaturesOutMixin
        return naming.get_feature_names_out(self, input_features)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose what ``transform`` gives for a table; images stay arrays, whatever is chosen.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            None leaves the choice as it is.

        Returns
        -------
        self : estimator
            The estimator itself.
        """
        return self if self._gives_images() else super().set_output(transform=transform)  # type: ignore[misc]

"""``set_output`` of estimators that take tables or images: tables may become DataFrames, images stay arrays."""

from typing import Any, ClassVar, Self

from sklearn.base import ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

__all__ = ["TableOutput"]


def _has_columns(estimator: Any) -> bool:
    """Whether it may give a table, whose columns can be counted; a transformer in it may not say how many it gives."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return True
    return not estimator._gives_images() and hasattr(estimator, "_n_features_out")


class TableOutput:
    """Methods that name the columns of what ``transform`` gives for a table.

    A class that uses it has ``_n_features_out``, the number of those columns; ``_redraws_columns``, whether
    they are the columns of ``X`` if there are as many; and ``_gives_images``, whether it was fitted on images.
    """

    _redraws_columns: ClassVar[bool] = False

    n_features_in_: int
    _n_features_out: int

    def _gives_images(self) -> bool:
        raise NotImplementedError

    # Without names scikit-learn leaves the result of transform alone.
    @available_if(_has_columns)
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the columns that ``transform`` gives for a table.

        Those of ``X`` if its columns are redrawn, else the name of the class with a number. After a fit on
        images there is no such method.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of ``X``, if it had none in ``fit``.

        Returns
        -------
        names : ndarray of str
            One for each column.
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
            None does not change the choice.

        Returns
        -------
        self : estimator
            The estimator itself.
        """
        return self if self._gives_images() else super().set_output(transform=transform)  # type: ignore[misc]

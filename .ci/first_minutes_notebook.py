"""The first ten minutes of a data scientist: the cells of a notebook, in an environment where skisp is installed."""

# %% Codes of rows, and rows of codes
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, train_test_split

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import load_photographs, make_style_image
from skisp.io import resize_longest

train, test = train_test_split(load_digits().data / 16, random_state=0)
cvae = CVAETransformer(8, random_state=0).fit(train)
error = np.mean((cvae.inverse_transform(cvae.transform(test)) - test) ** 2)
pca = PCA(8).fit(train)
assert error < np.mean((pca.inverse_transform(pca.transform(test)) - test) ** 2)

# %% How many components?
search = GridSearchCV(CVAETransformer(max_iter=3, random_state=0), {"n_components": [2, 8]}, cv=2).fit(train)
assert search.best_params_ == {"n_components": 8}

# %% What a cell shows
assert "CVAETransformer" in cvae._repr_mimebundle_()["text/html"]
cvae  # noqa: B018

# %% How strong should the style be?
photographs = [resize_longest(photograph, 64) for photograph in load_photographs()]
painting = make_style_image("waves", size=64, random_state=0)
coder = PatchTransformer(PCA(8), max_patches=3000)
propagator = StylePropagator(style=coder, style_images=painting, random_state=0)
search = GridSearchCV(propagator, {"strength": [0.2, 1.0]}, cv=2).fit(photographs)
assert search.best_params_ == {"strength": 1.0}

# %% The picture, and in the cell the style
picture = search.best_estimator_.transform(photographs[:1])[0]
assert picture.shape == photographs[0].shape
assert "data:image/png;base64," in search.best_estimator_._repr_mimebundle_()["text/html"]
search.best_estimator_  # noqa: B018

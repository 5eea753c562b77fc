"""Models that are saved and loaded: the same bits again, and nothing in the file but plain data."""

import copy
import os
import stat
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA, KernelPCA
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skisp import CVAETransformer, StylePropagator
from skisp.persistence import load_model, save_model
from skisp.persistence._limits import limits

from ..cvae._shared import assert_same_bits


@pytest.fixture
def through_file(tmp_path):
    def saved_and_loaded(model):
        save_model(tmp_path / "model.skisp", model)
        return load_model(tmp_path / "model.skisp")

    return saved_and_loaded


def assert_same_state(ours, theirs):
    """Equal attributes of equal types, arrays in the same order of memory, all the way down."""
    assert type(ours) is type(theirs)
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs)
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(ours, theirs, strict=True)
        # Without the gaps that a part of a larger array has.
        assert ours.strides == theirs.copy(order="K").strides
        assert ours.flags.writeable
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert_same_state(ours[name], theirs[name])
    elif isinstance(ours, (list, tuple)):
        for our, their in zip(ours, theirs, strict=True):
            assert_same_state(our, their)
    elif hasattr(ours, "__getstate__") and hasattr(ours, "__dict__"):
        assert_same_state(ours.__getstate__(), theirs.__getstate__())
    else:
        assert ours == theirs


# Round trips


@pytest.mark.filterwarnings("error")
def test_a_loaded_model_has_the_state_and_gives_the_bits_of_the_saved_one(model, through_file):
    saved, X = model
    loaded = through_file(saved)
    assert_same_state(loaded, saved)
    assert_same_bits(loaded.transform(X), saved.transform(X))


@pytest.mark.filterwarnings("error")
def test_every_coder_of_scikit_learn_keeps_its_bits(coder, rows, through_file):
    loaded = through_file(coder)
    assert_same_state(loaded, coder)
    assert_same_bits([loaded.transform(rows)], [coder.transform(rows)])
    if hasattr(coder, "inverse_transform"):
        codes = coder.transform(rows)
        assert_same_bits([loaded.inverse_transform(codes)], [coder.inverse_transform(codes)])


@pytest.mark.parametrize("name", ["dense", "bernoulli", "images", "frozen-parts", "rows", "pipeline-rows"])
def test_a_loaded_model_can_be_fitted_again_with_the_same_bits(name, made, through_file):
    saved, X = made(name)
    assert_same_bits(clone(through_file(saved)).fit(X).transform(X), clone(saved).fit(X).transform(X))
    assert_same_bits(through_file(saved).fit(X).transform(X), saved.transform(X))


def test_parameters_of_every_plain_kind_are_kept(tmp_path, through_file):
    model = CVAETransformer(
        np.int64(3), hidden_layer_sizes=[4], noise_scale=np.float32(0.5), device=torch.device("cpu"), max_iter=2**40
    )
    assert_same_state(through_file(model), model)
    model = StylePropagator(style_images=[tmp_path / "a.png", "b.png"], style_weights=np.array([[1, 2]], dtype="u4").T)
    assert_same_state(through_file(model), model)


def test_a_random_state_is_kept_where_it_is_and_stays_shared(rows, through_file):
    shared = np.random.RandomState(3)
    shared.normal(size=3)
    model = make_pipeline(PCA(3, random_state=shared), CVAETransformer(2, random_state=shared))
    loaded = through_file(model)
    assert loaded[0].random_state is loaded[1].random_state
    assert_same_bits([loaded[0].random_state.normal(size=3)], [shared.normal(size=3)])


def test_parts_that_are_one_stay_one_and_are_stored_once(made, tmp_path):
    propagator, _ = made("images-cvae")
    assert propagator.style is propagator.style_
    save_model(tmp_path / "both.skisp", propagator)
    save_model(tmp_path / "style.skisp", propagator.style_)
    loaded = load_model(tmp_path / "both.skisp")
    assert loaded.style is loaded.style_
    assert (tmp_path / "both.skisp").stat().st_size < 1.5 * (tmp_path / "style.skisp").stat().st_size


def test_feature_names_and_the_output_format_are_kept(rows, through_file):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "dé", "e", "f"])
    saved = make_pipeline(StandardScaler(), PCA(2)).set_output(transform="pandas").fit(frame)
    pd.testing.assert_frame_equal(through_file(saved).transform(frame), saved.transform(frame))


def test_a_folder_of_pickles_is_not_saved(rows, tmp_path, through_file):
    memory = joblib.Memory(tmp_path / "memory", verbose=0)
    model = StylePropagator(style=PCA(2), style_images=rows, memory=memory, random_state=0).fit(rows)
    assert through_file(model).memory is None
    assert model.memory is memory
    assert through_file(make_pipeline(StandardScaler(), memory=str(tmp_path))).memory is None


def test_a_propagator_that_has_transformed_is_stored_without_its_exemplars(made, tmp_path):
    propagator, X = made("images")
    save_model(tmp_path / "before.skisp", copy.deepcopy(propagator))
    propagator.transform(X)
    save_model(tmp_path / "after.skisp", propagator)
    assert (tmp_path / "before.skisp").read_bytes() == (tmp_path / "after.skisp").read_bytes()


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_a_model_loaded_in_a_mode_without_gradients_is_trained_outside_of_it(mode, made, through_file):
    saved, X = made("gaussian")
    with mode():
        loaded = through_file(saved)
    assert_same_bits(loaded.partial_fit(X).transform(X), copy.deepcopy(saved).partial_fit(X).transform(X))


# The file


def test_the_file_is_torchs_and_tells_what_made_it(made, tmp_path):
    save_model(tmp_path / "model.skisp", made("rows")[0])
    tree = torch.load(tmp_path / "model.skisp", weights_only=True)
    assert (tree["kind"], tree["format"]) == ("skisp model", 2)
    assert tree["versions"].keys() == {"skisp", "scikit-learn", "torch", "numpy", "python"}
    assert all(type(version) is str for version in tree["versions"].values())
    with zipfile.ZipFile(tmp_path / "model.skisp") as archive:
        assert archive.testzip() is None


def test_a_file_is_replaced_unless_that_is_refused(tmp_path):
    save_model(tmp_path / "model.skisp", PCA(2))
    save_model(tmp_path / "model.skisp", PCA(3))
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        save_model(tmp_path / "model.skisp", PCA(4), overwrite=False)
    assert load_model(tmp_path / "model.skisp").n_components == 3


def test_folders_missing_files_and_unreadable_ones_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot read .*none.skisp: there is no such file"):
        load_model(tmp_path / "none.skisp")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="its folder does not exist; create it first"):
        save_model(tmp_path / "none" / "model.skisp", PCA(2))
    save_model(tmp_path / "model.skisp", PCA(2))
    (tmp_path / "model.skisp").chmod(0)
    if not os.access(tmp_path / "model.skisp", os.R_OK):  # root may read everything
        with pytest.raises(PermissionError, match="make the file readable"):
            load_model(tmp_path / "model.skisp")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(ValueError, match="not a regular file"):
        load_model(tmp_path / "pipe")


# What cannot be saved


class NewPCA(PCA):
    """A class that no table knows."""


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (NewPCA(2), "NewPCA"),
        (KernelPCA(2), "KernelPCA"),
        ({"a": 1}, "builtins.dict"),
        (PCA, "builtins.type|abc.ABCMeta"),
        (make_pipeline(FunctionTransformer(abs)), r"Pipeline.steps\[0\]\[1\]: it is a sklearn.*FunctionTransformer"),
        (StylePropagator(style_images=lambda: 0), r"StylePropagator.style_images: it is a builtins.function"),
        (StylePropagator(style=[FrozenEstimator(NewPCA())]), r"StylePropagator.style\[0\].estimator: it is a .*NewPCA"),
        (StylePropagator(style_images=np.array([object()])), "style_images: an array of dtype object"),
        (StylePropagator(style_images={1.5: 2}), r"style_images: a dictionary has the key 1.5"),
        (StylePropagator(style_images=2**70), "the integer has more than 64 bits"),
    ],
)
def test_what_is_no_plain_data_is_refused_with_its_name_and_the_cure(model, named, tmp_path):
    with pytest.raises(TypeError, match=f"cannot save .*{named}.* save with pickle or joblib"):
        save_model(tmp_path / "model.skisp", model)
    assert os.listdir(tmp_path) == []


def test_callbacks_are_refused(made, tmp_path):
    model = copy.deepcopy(made("dense")[0])
    model.set_callbacks(pytest.importorskip("sklearn.callback").ScoringMonitor(scoring="r2"))
    with pytest.raises(TypeError, match=r"cannot save CVAETransformer\._skl_callbacks.*ScoringMonitor"):
        save_model(tmp_path / "model.skisp", model)


def test_a_random_state_of_another_generator_is_refused(tmp_path):
    with pytest.raises(TypeError, match="draws from PCG64, not from NumPy's usual MT19937"):
        save_model(tmp_path / "model.skisp", PCA(random_state=np.random.RandomState(np.random.PCG64(0))))


def test_a_parameter_that_no_fit_would_take_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'strength' parameter"):
        save_model(Path(tmp_path, "model.skisp"), StylePropagator(strength=2))


def test_attributes_that_no_fit_gives_are_refused(made, tmp_path):
    model = copy.deepcopy(made("dense")[0])
    model.note_ = "mine"
    with pytest.raises(ValueError, match=r"CVAETransformer: .* not those that fit gives .*note_.*fit it again"):
        save_model(tmp_path / "model.skisp", model)
    model = copy.deepcopy(made("rows")[0])
    model.style_.components_ = model.style_.components_[:1]
    with pytest.raises(ValueError, match=r"cannot save StylePropagator.propagation_.style: .* has the shape \(2,\)"):
        save_model(tmp_path / "model.skisp", model)


def test_more_single_values_than_are_loaded_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "values", 1000)
    with pytest.raises(TypeError, match=r"StylePropagator.style_weights\[9..\]: it is nested .*more than 1000 values"):
        save_model(tmp_path / "model.skisp", StylePropagator(style_weights=[1.0] * 1000))


def test_a_part_of_another_scikit_learn_warns(made, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn.base.__version__", "1.0")
    save_model(tmp_path / "model.skisp", made("rows")[0])
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match=r"PCA from version 1\.0"):
        load_model(tmp_path / "model.skisp")
    with warnings.catch_warnings(action="error"), pytest.raises(InconsistentVersionWarning):
        load_model(tmp_path / "model.skisp")

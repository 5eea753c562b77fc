"""A style learnt once by ``skisp fit`` and applied by ``skisp apply``, with real propagators."""

import numpy as np
import pytest

from skisp import PatchTransformer
from skisp.cli import main
from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image, write_image
from skisp.persistence import load_model, save_model

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A photograph and a style."""
    folder = tmp_path_factory.mktemp("pictures")
    write_image(folder / "photo.png", load_photograph("china", size=48))
    write_image(folder / "style.png", make_style_image("waves", size=48, random_state=0))
    return folder


@pytest.fixture(scope="module")
def model(folder, quick_training):
    path = folder / "style.skisp"
    assert main(["fit", str(folder / "style.png"), "-o", str(path), "--seed", "3", "--quiet"]) == 0
    return path


def test_the_file_holds_a_fitted_style(model):
    style = load_model(model)
    assert isinstance(style, PatchTransformer)
    assert style.images_[0].shape == (48, 48, 3)


def test_a_folder_holds_pictures_of_one_style(folder, tmp_path):
    (tmp_path / "paintings").mkdir()
    for i in range(2):
        write_image(tmp_path / "paintings" / f"{i}.png", make_style_image("waves", size=48, random_state=i))
    assert main(["fit", str(tmp_path / "paintings"), "-o", str(tmp_path / "style.skisp"), "--quiet"]) == 0
    assert len(load_model(tmp_path / "style.skisp").images_) == 2


def test_applying_draws_what_propagating_draws(folder, model, capsys):
    photo, options = str(folder / "photo.png"), ["--seed", "3", "--strength", "0.8", "--quiet"]
    assert main(["apply", photo, "--model", str(model), "-o", str(folder / "applied.png"), *options]) == 0
    assert capsys.readouterr().out == f"{folder / 'applied.png'}\n"
    style = str(folder / "style.png")
    assert main(["propagate", photo, "--style", style, "-o", str(folder / "propagated.png"), *options]) == 0
    applied, propagated = (read_image(folder / f"{name}.png") for name in ("applied", "propagated"))
    np.testing.assert_array_equal(applied, propagated)
    assert np.abs(applied.astype(int) - read_image(photo)).mean() > 5


def test_other_models_are_refused(folder, tmp_path, capsys):
    from skisp import ImageReader

    save_model(tmp_path / "reader.skisp", ImageReader())
    command = ["apply", str(folder / "photo.png"), "--model", str(tmp_path / "reader.skisp"), "-o", str(tmp_path)]
    assert main(command) == 2
    assert "holds no style of images; make one with skisp fit" in capsys.readouterr().err

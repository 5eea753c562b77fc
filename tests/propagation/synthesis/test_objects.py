"""Objects that stand alone amid something plain are found, and not copied into pictures."""

import pytest
import torch
from sklearn.decomposition import PCA

from skisp import PatchTransformer, StylePropagator
from skisp._tensors import from_tensor
from skisp.propagation._steps import propagation_steps
from skisp.propagation.synthesis import _style_model
from skisp.propagation.synthesis._objects import isolated_objects

SIDE = 128
SEAL = (slice(16, 34), slice(20, 30))


def noise(*size, seed=0):
    return torch.rand(size, generator=torch.Generator().manual_seed(seed))


def landscape(*objects):
    """A plain sky with objects in it, above a sea of strokes."""
    image = torch.full((3, SIDE, SIDE), 0.8)
    image[:, 70:] = noise(1, SIDE - 70, SIDE)
    for rows, columns in objects:
        image[:, rows, columns] = noise(1, rows.stop - rows.start, columns.stop - columns.start, seed=1)
    return image


def test_a_seal_in_the_sky_is_found_and_nothing_else():
    found = isolated_objects(landscape(SEAL))[0].bool()
    assert found[SEAL].all()
    found[SEAL[0].start - 5 : SEAL[0].stop + 5, SEAL[1].start - 5 : SEAL[1].stop + 5] = False
    assert not found.any()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_size_of_the_image_does_not_matter(factor):
    image = landscape(SEAL).repeat_interleave(factor, dim=1).repeat_interleave(factor, dim=2)
    found = isolated_objects(image)
    assert found.shape == (1, SIDE, SIDE)
    assert found[0][SEAL].bool().float().mean() > 0.95


def test_what_touches_the_border_or_is_large_is_no_object():
    for part in [(slice(0, 18), slice(20, 30)), (slice(10, 60), slice(10, 90))]:
        assert not isolated_objects(landscape(part)).any()


def test_many_objects_are_the_style():
    dots = [(slice(y, y + 8), slice(x, x + 8)) for y in (10, 30, 50) for x in (10, 40, 70, 100)]
    assert isolated_objects(landscape(*dots[:3]))[0].bool().any()
    assert not isolated_objects(landscape(*dots)).any()


@pytest.mark.parametrize("image", [torch.full((3, 40, 50), 0.5), noise(1, 5, 7), noise(3, 90, 60)])
def test_where_nothing_is_plain_or_all_is_there_is_no_object(image):
    assert not isolated_objects(image).any()


def test_a_seal_is_not_copied_into_the_sky(monkeypatch):
    style = from_tensor(landscape(SEAL))
    coder = PatchTransformer(PCA(8), patch_size=5, max_patches=4000, random_state=0).fit([style])
    content = from_tensor(landscape((slice(30, 50), slice(60, 90))))
    copied = []
    for price in (0.0, _style_model._OBJECT):
        monkeypatch.setattr(_style_model, "_OBJECT", price)
        propagator = StylePropagator(style=coder, style_images=[style], content_weight=0.3, random_state=0)
        last = propagation_steps(propagator.fit([content]), content)[0][-1]
        rows, columns = last.corners[..., 0], last.corners[..., 1]
        inside = (abs(rows + 2 - 25) < 9) & (abs(columns + 2 - 25) < 5)
        copied.append(inside.mean())
    assert copied[1] < 0.2 * copied[0]

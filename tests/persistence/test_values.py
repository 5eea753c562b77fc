"""Every plain value and array comes back as it was: drawn by hypothesis, as a parameter that nothing validates."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skisp import StylePropagator
from skisp.persistence import load_model, save_model

DTYPES = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(sizes=(16, 32, 64)),
    npst.complex_number_dtypes(sizes=(64, 128)),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(st.characters(codec="utf-8"))
)
KEYS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(st.characters(codec="utf-8")))
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(inner, max_size=4).map(tuple), st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def through_file(value, folder):
    path = folder.mktemp("values") / "model.skisp"
    save_model(path, StylePropagator(style_images=value))
    return load_model(path).style_images


@settings(max_examples=60, deadline=None)
@given(value=PLAIN)
def test_plain_values_are_kept_with_their_types(value, tmp_path_factory):
    assert repr(through_file(value, tmp_path_factory)) == repr(value)  # NaN is not itself, and 1 is True


@settings(max_examples=80, deadline=None)
@given(data=st.data(), dtype=DTYPES)
def test_arrays_are_kept_bit_for_bit_in_the_native_order_of_bytes(data, dtype, tmp_path_factory):
    shape = data.draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    array = data.draw(npst.arrays(dtype, shape))
    if data.draw(st.booleans()):
        array = array.T
    if array.ndim and data.draw(st.booleans()):
        array = array[:: data.draw(st.sampled_from([1, 2, -1]))]
    found = through_file(array, tmp_path_factory)
    expected = array.astype(array.dtype.newbyteorder("="), order="K")
    assert type(found) is np.ndarray
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


@settings(max_examples=30, deadline=None)
@given(data=st.data(), as_objects=st.booleans())
def test_arrays_of_strings_are_kept(data, as_objects, tmp_path_factory):
    shape = data.draw(npst.array_shapes(max_dims=2, max_side=3))
    texts = data.draw(npst.arrays(object, shape, elements=st.text(st.characters(codec="utf-8"))))
    array = texts if as_objects else texts.astype(str)
    found = through_file(array, tmp_path_factory)
    assert found.dtype.kind == array.dtype.kind
    np.testing.assert_array_equal(found, array)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), dtype=npst.floating_dtypes(sizes=(32, 64), endianness="="))
def test_single_numbers_and_tensors_keep_their_types(data, dtype, tmp_path_factory):
    array = data.draw(npst.arrays(dtype, (2, 3), elements=st.floats(-1, 1, width=32)))
    number, tensor = through_file([array[0, 0], torch.from_numpy(array)], tmp_path_factory)
    assert type(number) is type(array[0, 0])
    assert number == array[0, 0]
    assert torch.equal(tensor, torch.from_numpy(array))

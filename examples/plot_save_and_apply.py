"""
How do I keep a style, and use it tomorrow?
===========================================

Learning a style takes longer than applying it. A fitted style can be saved to a file and loaded on another day, on
another machine, or by someone else. Unlike a pickle, the file runs no code.
"""

# %%
# Learn and save
# --------------
# A :class:`~skisp.PatchTransformer` that is fitted to a picture holds its style. ``save_model`` writes it to one file,
# here in a folder that is removed at the end.

import tempfile
from contextlib import chdir
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.cli import main
from skisp.datasets import load_photographs, make_style_image
from skisp.io import read_image, resize_longest, write_image
from skisp.persistence import load_model, save_model

photographs = [resize_longest(photograph, 224) for photograph in load_photographs()]
painting = make_style_image("stained_glass", size=(150, 224), random_state=0)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "glass.skisp"

start = perf_counter()
style = PatchTransformer(random_state=0).fit([painting])
print(f"learnt in {perf_counter() - start:.1f} s")
save_model(path, style)
print(f"saved to {path.name}, {path.stat().st_size / 1e6:.1f} MB")

# %%
# Load and apply
# --------------
# Tomorrow: ``FrozenEstimator`` says that the style is not to be learnt again, so ``fit`` has almost nothing to do.

start = perf_counter()
tomorrow = load_model(path)
print(f"loaded in {perf_counter() - start:.2f} s")

start = perf_counter()
pictures = StylePropagator(style=FrozenEstimator(tomorrow), random_state=0).fit_transform(photographs)
print(f"two photographs redrawn in {perf_counter() - start:.1f} s")


def show(images):
    """Show images side by side, each with its name on top."""
    _, axes = plt.subplots(1, len(images), figsize=(6.4, 6.4 / len(images) * 0.67 + 0.4), layout="constrained")
    for axis, (name, image) in zip(axes, images.items(), strict=True):
        axis.imshow(image)
        axis.set_title(name)
        axis.axis("off")


show({"Style": painting, "Temple": pictures[0], "Flower": pictures[1]})

# %%
# The pictures are the same, bit for bit, as with the style that was never saved:

same = StylePropagator(style=FrozenEstimator(style), random_state=0).fit_transform(photographs)
print(all(np.array_equal(one, other) for one, other in zip(pictures, same, strict=True)))

# %%
# The same from the command line
# ------------------------------
# .. code-block:: bash
#
#     skisp fit painting.png -o painting.skisp
#     skisp apply temple.png flower.png --model painting.skisp -o out/
#
# The same two commands from Python, as ``main`` takes the arguments of the command ``skisp``:

with chdir(folder.name):
    for name, image in {"painting": painting, "temple": photographs[0], "flower": photographs[1]}.items():
        write_image(f"{name}.png", image)
    main(["fit", "painting.png", "-o", "painting.skisp", "--quiet"])
    main(["apply", "temple.png", "flower.png", "--model", "painting.skisp", "-o", "out", "--quiet"])

# %%
# The results are ordinary files. ``load_model`` reads that of the style, too:

print(load_model(Path(folder.name) / "painting.skisp"))
show({name: read_image(Path(folder.name) / "out" / f"{name}.png") for name in ("temple", "flower")})
folder.cleanup()
plt.show()

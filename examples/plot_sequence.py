"""
A film without flicker
======================

Frames that are redrawn one by one flicker, because each has different strokes. In a sequence, each starts from the
last.
"""

# %%
# A camera that pans
# ------------------
# Six frames, each four pixels further to the right, with the noise of a camera.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image

photograph = load_photograph("china", size=220)
width = photograph.shape[1] - 24
noise = np.random.default_rng(0).normal(scale=4, size=(6, photograph.shape[0], width, 3))
frames = np.stack([photograph[:, 4 * i : 4 * i + width] for i in range(6)])
frames = (frames + noise).clip(0, 255).astype(np.uint8)
style = make_style_image("brush_strokes", size=photograph.shape[:2], random_state=0)

# %%
# One by one, and as a sequence
# -----------------------------
# ``transform`` redraws each image alone. ``propagate_sequence`` measures colours and contrast on the first frame only,
# warps the last picture along the motion of the frames, and changes it mainly where the content changes.

propagator = StylePropagator(style_images=style, random_state=0).fit(frames[:1])
one_by_one = propagator.transform(frames)
sequence = propagator.propagate_sequence(frames)


def flicker(pictures):
    """Mean difference of neighbouring pictures along the motion, in levels of 255."""
    pictures = pictures.astype(float)
    return np.abs(pictures[:-1, :, 4:] - pictures[1:, :, :-4]).mean()


print(f"one by one {flicker(one_by_one):.1f}, as a sequence {flicker(sequence):.1f}, the frames {flicker(frames):.1f}")

# %%
# The first frame and the last, and their pictures:

figure, axes = plt.subplots(2, 2, figsize=(6.4, 5.5), layout="constrained")
for row, title, pictures in zip(axes, ("Film", "As a sequence"), (frames, sequence), strict=True):
    for axis, i in zip(row, (0, -1), strict=True):
        axis.imshow(pictures[i])
        axis.set_title(f"{title}, {'first' if i == 0 else 'last'} frame")
        axis.axis("off")

# %%
# Side by side
# ------------

figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.75), layout="constrained")
images = []
for axis, title, pictures in zip(axes, ("One by one", "As a sequence"), (one_by_one, sequence), strict=True):
    images.append(axis.imshow(pictures[0]))
    axis.set_title(title)
    axis.axis("off")


def update(i):
    for image, pictures in zip(images, (one_by_one, sequence), strict=True):
        image.set_data(pictures[i])
    return images


animation = FuncAnimation(figure, update, frames=len(frames), interval=300)
plt.show()

"""What a propagator prints while it works."""

from skisp import StylePropagator


def test_epochs_levels_and_images_are_told_line_by_line(photograph, painting, cvae_patches, capsys):
    propagator = StylePropagator(style=cvae_patches, style_images=painting, random_state=0, verbose=1)
    propagator.fit([photograph])
    out = capsys.readouterr().out.splitlines()
    assert [line.split(" loss")[0] for line in out] == ["fit C-VAE: 1 of 2", "fit C-VAE: 2 of 2"]
    propagator.transform([photograph, photograph])
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line.startswith("images")] == [f"images: {i} of 2" for i in range(3)]
    assert any(line.startswith("redraw: ") for line in out)
    propagator.propagate_sequence([photograph, photograph])
    assert "frames: 2 of 2" in capsys.readouterr().out

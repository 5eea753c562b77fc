"""Small films, made by PyAV."""

from fractions import Fraction

import numpy as np


def drawn(n_frames=10, size=(64, 48), *, odd_corner=True):
    """Frames in which a bar moves over four colours."""
    width, height = size
    frames = np.zeros((n_frames, height, width, 3), np.uint8)
    frames[:, : height // 2, : width // 2] = (200, 40, 60)
    frames[:, height // 2 :, : width // 2] = (20, 160, 70)
    frames[:, : height // 2, width // 2 :] = (30, 80, 220)
    frames[:, height // 2 :, width // 2 :] = (235, 235, 235)
    for i, frame in enumerate(frames):
        frame[:, 4 * i : 4 * i + 8] = 128
    return frames


def make_video(
    path,
    frames,
    *,
    starts=None,
    tick=Fraction(1, 25),
    codec="libx264",
    pix_fmt="yuv444p",
    color_range=1,
    colorspace=1,
    rotation=0,
    aspect=None,
    sound=None,
):
    """Write frames, shown from each of some ticks on, and a second of sound of a codec."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.time_base = pix_fmt, tick
        context = stream.codec_context
        context.options = {"crf": "4"}
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = (
            color_range,
            colorspace,
            1,
            1,
        )
        context.time_base = tick
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        heard = out.add_stream(sound, rate=48000) if sound else None
        for i, array in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(array, "rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=colorspace, dst_color_range=color_range)
            frame.pts, frame.time_base = i if starts is None else starts[i], tick
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if heard:
            wave = (8000 * np.sin(np.arange(48000) / 20)).astype(np.int16)[None]
            piece = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            piece.rate, piece.pts, piece.time_base = 48000, 0, Fraction(1, 48000)
            for part in av.AudioResampler(heard.format, heard.layout, 48000, heard.frame_size or None).resample(piece):
                out.mux(heard.encode(part))
            out.mux(heard.encode())


def packets(path, kind):
    """Bytes of the packets of a kind, ``"audio"`` or ``"video"``, in order."""
    import av

    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(**{kind: 0}) if packet.size]


def described(path):
    """What a film says of its pictures."""
    import av

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        context = stream.codec_context
        frames = list(film.decode(stream))
        return {
            "times": [round(float(frame.pts * stream.time_base), 4) for frame in frames],
            "seconds": round(float(stream.duration * stream.time_base), 3) if stream.duration else None,
            "colours": (context.color_range, context.colorspace, context.color_primaries, context.color_trc),
            "rotation": frames[0].rotation,
            "size": (stream.width, stream.height),
            "aspect": stream.sample_aspect_ratio,
        }

"""Sound files that tests write themselves."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0) -> np.ndarray:
    """``[samples] float64`` of a sine at half of full scale."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def wav(samples: np.ndarray, rate: int = 16_000, width: int = 2) -> bytes:
    """A WAV file of ``[samples]`` or ``[samples, channels]`` from −1 to 1, with ``width`` bytes each."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    whole = np.round(samples * (2 ** (8 * width - 1) - 1)).astype("<i8").reshape(-1)
    if width == 1:
        content = (whole + 128).astype(np.uint8).tobytes()
    else:
        content = whole.view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(content)
    return file.getvalue()


def float_wav(samples: np.ndarray, rate: int = 16_000) -> bytes:
    """A WAV file of 32-bit floats, which ``wave`` does not write."""
    content = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, rate, 4 * rate, 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def wav_header(seconds: float, rate: int = 16_000) -> bytes:
    """A WAV file whose header states ``seconds``, and which has no samples."""
    file = bytearray(wav(np.zeros(0), rate))
    struct.pack_into("<I", file, 40, round(seconds * rate) * 2)
    struct.pack_into("<I", file, 4, 36 + round(seconds * rate) * 2)
    return bytes(file)

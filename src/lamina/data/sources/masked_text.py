"""Texts for masked language models: some tokens hidden, others each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lamina.data.schema import INPUT, TARGET, DataSchema, Target
from lamina.data.sources.text_files import TextFiles, part_names
from lamina.data.text.masking import Masking
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError
from lamina.shapes import tokens
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.lazy import LazyArray


@register("masked_text")
class MaskedText(TextFiles):
    """Texts with some tokens hidden, which are to be told: how BERT is pretrained (without guessing which sentence comes next).

    Which tokens are hidden, and by what, is a function of seed, epoch and sample; when judging, the same are hidden each time.

    Attributes:
        path: The file, a folder, a pattern, or a list of these; relative to the recipe. See `lamina.data.storage.open_files`.
        vectorize: How texts become tokens; ``mask`` is always on. By default ``{tokenizer: word_piece, begin: true, end: true}``.
        unit: What a sample is: ``windows`` of ``steps`` tokens of the whole text, or each of its ``lines`` (those without a word are left
            out), filled up; what is longer is cut off, with a warning.
        steps: Tokens of a sample, those that begin and end it included.
        stride: Of windows, from the start of one in training to the next; all of it unless set.
        masking: Which tokens are hidden, and how.
        validation: Share of the text, at its end (before the test part, if there is one), for validation.
        test: Share of the text, at its very end, for the test.
        storage: How remote files are reached.

    Example:
        >>> MaskedText.from_yaml("{path: news.txt, unit: lines, masking: {whole_words: true}}").masking.share
        0.15
    """

    unit: Literal["windows", "lines"] = "windows"
    masking: Masking = Masking()

    @classmethod
    def examples(cls) -> list[Any]:
        pieces = {"tokenizer": {"type": "word_piece", "size": 90}, "begin": True, "end": True}
        words = {"tokenizer": {"type": "words"}}
        return [
            cls("poem.txt", steps=8, vectorize=pieces, masking={"share": 0.3, "whole_words": True}),
            cls("poem.txt", unit="lines", steps=16, vectorize=words, validation=0.4),
        ]

    def settings(self) -> TextVectorization:
        default = TextVectorization(tokenizer="word_piece", begin=True, end=True)
        own = (self.vectorize or default).replace(mask=True)
        return own.replace(length=self.steps) if self.unit == "lines" else own

    def units(self, text: str) -> list[str]:
        return [line for line in text.split("\n") if line.strip()]

    def described(self, vectorization: TextVectorization) -> DataSchema:
        names = vectorization.tokens
        return DataSchema.single(tokens(self.steps, len(names)), Target("classes", labels=names))

    def samples(self, text: str, vectorization: TextVectorization, part: str) -> np.ndarray | LazyArray:

        from lamina.data.lazy import Mapped
        from lamina.data.text.windows import Windows, starts_of, tokens_of

        if self.unit == "lines":
            rows = [row for row in vectorization.numbers(self.units(text)) if row]
            if not rows:
                raise self.too_short(part, "at least one line with a word", "none")
            return vectorization.framed(rows)
        codes = tokens_of(text, vectorization)
        own = self.steps - vectorization.begin - vectorization.end
        if own < 1 or len(codes) < own:
            raise self.too_short(part, f"at least one window of {max(own, 1)} tokens", f"{len(codes)} tokens, {self.steps} steps")
        stride = (self.stride or own) if part == "train" else own
        windows = Windows(codes, starts_of(len(codes), own, stride), own)
        return Mapped(windows, vectorization.closed, (self.steps,))

    def dataset(self, samples: dict[str, Any], vectorization: TextVectorization) -> Dataset:
        import numpy as np

        from lamina.data.dataset import Dataset
        from lamina.data.lazy import Joined
        from lamina.data.text.masked import MaskedTokens

        special = vectorization.special
        inside = vectorization.numbering
        names = vectorization.tokens
        no_text = {number for number in special.values() if number is not None}
        mask_token = special["mask"]
        if mask_token is None or len(no_text) == len(names):
            raise DataError(
                "DA012",
                where=f"{self.place()}, training part",
                expected="words to hide",
                got="none",
                cause="the vocabulary holds nothing but tokens that stand for no text",
                fix="give a longer text, or lower min_count",
            )
        group = MaskedTokens(
            Joined(list(samples.values())),
            self.masking,
            mask_token=mask_token,
            no_text=no_text,
            vocabulary=len(names),
            inside=None if inside is None else np.array([inside.goes_on(name) for name in names]),
        )
        masks: dict[str, Any] = {TARGET: group["mask"]}
        return Dataset(
            {INPUT: group["input"]},
            {TARGET: group["output"]},
            self.described(vectorization),
            columns=self.columns(vectorization),
            part=part_names(samples),
            target_masks=masks,
        )

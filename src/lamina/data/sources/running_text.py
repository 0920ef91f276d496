"""Running text for networks that go on with it, in tokens of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.schema import INPUT, TARGET, DataSchema, Target
from lamina.data.sources.text_files import TextFiles, part_names
from lamina.shapes import tokens
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.vectorization import TextVectorization


@register("running_text")
class RunningTokens(TextFiles):
    """Windows of tokens, each with the token that comes next: what a network learns that shall go on with a text.

    As `characters`, for tokens of any tokenizer; windows are cut out when a batch asks for them. A model that learned from it reads and
    writes plain text: ``model.generate("To be", steps=20)``.

    Attributes:
        path: The file, a folder, a pattern, or a list of these; relative to the recipe. See `lamina.data.storage.open_files`.
        vectorize: How texts become tokens; by default ``{tokenizer: byte_pair}``.
        steps: Tokens in a window.
        stride: From the start of one training window to the next; ``steps`` unless set.
        validation: Share of the text, at its end (before the test part, if there is one), for validation.
        test: Share of the text, at its very end, for the test.
        storage: How remote files are reached.

    Example:
        >>> RunningTokens.from_yaml("{path: books/*.txt, vectorize: {tokenizer: {type: byte_pair, size: 2000}}}").steps
        64
    """

    @classmethod
    def examples(cls) -> list[Any]:
        pairs = {"tokenizer": {"type": "byte_pair", "size": 270}}
        return [cls("poem.txt", steps=5, vectorize=pairs), cls("poem.txt", steps=4, stride=1, vectorize={"tokenizer": "words"}, test=0.3)]

    def described(self, vectorization: TextVectorization) -> DataSchema:
        names = vectorization.tokens
        return DataSchema.single(tokens(self.steps, len(names)), Target("classes", labels=names))

    def samples(self, text: str, vectorization: TextVectorization, part: str) -> Any:
        from lamina.data.text.windows import Windows, starts_of, tokens_of

        codes = tokens_of(text, vectorization)
        if len(codes) <= self.steps:
            raise self.too_short(part, f"at least one window of {self.steps} tokens and the one after it", f"{len(codes)} tokens")
        stride = (self.stride or self.steps) if part == "train" else self.steps
        return Windows(codes, starts_of(len(codes) - 1, self.steps, stride), self.steps + 1)

    def dataset(self, samples: dict[str, Any], vectorization: TextVectorization) -> Dataset:
        import numpy as np

        from lamina.data.dataset import Dataset
        from lamina.data.lazy import Joined, Mapped

        windows = Joined(list(samples.values()))
        first = np.concatenate([own.starts for own in samples.values()]).astype(np.float64)
        return Dataset(
            {INPUT: Mapped(windows, _read, (self.steps,))},
            {TARGET: Mapped(windows, _told, (self.steps,))},
            self.described(vectorization),
            columns=self.columns(vectorization),
            part=part_names(samples),
            times=first,
        )


def _read(windows: np.ndarray) -> np.ndarray:
    return windows[:, :-1]


def _told(windows: np.ndarray) -> np.ndarray:
    return windows[:, 1:]

"""The contract of tokenizers."""

from __future__ import annotations

import numpy as np

from lamina.data.text.tokenizer import SPECIAL, Numbering, Tokenizer
from lamina.data.vectorization import TextVectorization
from lamina.testing.promises import check_round_trips, promise

TEXTS = [
    "The quick brown fox doesn't jump over 13.5 lazy dogs.",
    "  Blanks\tand\nlines  ",
    "",
    "!?",
    "naïve Öl, Straße, ΑΣ, été",
    "日本語のテキスト ไทย हिन्दी",
    "☺👩‍👩‍👧 e\u0301 \u200b\u0000",
    "the the the quick fox",
]
"""What a tokenizer meets: marks, blanks, nothing, other scripts, emoji, control characters."""


def check_tokenizer(tokenizer: Tokenizer) -> None:
    """Run the whole contract on a tokenizer.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(tokenizer)
    learned = TextVectorization(tokenizer=tokenizer).fit(TEXTS)
    promise(TextVectorization(tokenizer=tokenizer).fit(iter(TEXTS)) == learned, "texts that come one by one teach the same")
    promise(TextVectorization.from_yaml(learned.to_yaml()) == learned, "what it has learned reads back from YAML")
    promise(TextVectorization.from_dict(learned.to_dict(full=True)) == learned, "what it has learned reads back with all defaults")
    own = learned.tokenizer
    promise(own is not None and learned.needs is None, "fit leaves nothing to learn")
    if own is None:
        return
    cut = own.cut(TEXTS)
    promise(cut == [own.cut([text])[0] for text in TEXTS], "a text is cut the same whatever stands beside it")
    promise(all(isinstance(piece, str) and piece for pieces in cut for piece in pieces), "pieces are texts, none of them empty")
    promise(cut[2] == [], "an empty text has no pieces")
    halves = TextVectorization(tokenizer=tokenizer)
    counts = halves.count(TEXTS[:3]).merge(halves.count(TEXTS[3:]))
    promise(halves.needs is None or halves.learn(counts) == learned, "texts that are counted apart teach the same")
    array = learned.encode(TEXTS)
    inside = array.dtype == np.int64 and array.min() >= 0 and array.max() < len(learned.tokens)
    promise(inside, "tokens are numbers of the vocabulary")
    promise(len({*learned.tokens}) == len(learned.tokens), "every token has a name of its own")
    if isinstance(own, Numbering):
        promise(own.encode(TEXTS) == [[own.places[piece] for piece in pieces] for pieces in cut], "cut names what encode gives")
        special = {own.special(what) for what in SPECIAL} - {None, own.special("unknown")}
        promise(not special & {token for row in own.encode(TEXTS) for token in row}, "no text spells a token that stands for none")

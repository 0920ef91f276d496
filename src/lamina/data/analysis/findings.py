"""What can be wrong with data: a catalogue of findings, each with a code that stays, what it means and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
"""``error``: figures of a model would be worthless. ``warning``: something is probably wrong. ``note``: worth knowing."""


@dataclass(frozen=True)
class Entry:
    """One kind of finding.

    Attributes:
        title: In a few words.
        severity: How bad it is.
        meaning: Why it matters.
        advice: What to do.
    """

    title: str
    severity: Severity
    meaning: str
    advice: str


CATALOGUE: dict[str, Entry] = {
    "AN001": Entry(
        "the column never changes",
        "warning",
        "Every row has the same value, so nothing can be learned from the column.",
        "List it under ignore. If it should change, look at how the file was made.",
    ),
    "AN002": Entry(
        "the column is empty",
        "warning",
        "No row has a value.",
        "List it under ignore. If it should have values, look at what the reader takes for missing.",
    ),
    "AN003": Entry(
        "much is missing",
        "warning",
        "At least a fifth of the rows has no value. Whatever is put in their place is invented.",
        "Say what stands for them (missing: mean, median or zero), leave the column out, or find out why they are missing: that a value is "
        "missing can itself be a feature.",
    ),
    "AN004": Entry(
        "there are values that are no numbers",
        "warning",
        "NaN or infinity stands among the numbers, and makes every computation with it NaN. Usually a division or logarithm of "
        "zero before.",
        "Correct the computation, or turn them into missing values and fill them.",
    ),
    "AN005": Entry(
        "every row has another value",
        "warning",
        "The column looks like a number or name of the row. A network can learn it by heart and will know nothing of new rows.",
        "List it under ignore, or use it as group where rows of one origin must stay in one part.",
    ),
    "AN006": Entry(
        "very many categories",
        "warning",
        "As one-hot inputs, each different value becomes an input of its own: most would be seen a few times only, and the first layer "
        "would be very large.",
        "Hash them into a fixed number, keep the frequent ones and join the others, use a target encoding, or treat the column as text.",
    ),
    "AN007": Entry(
        "text that is numbers",
        "warning",
        "Most values are numbers, but some are not, so the whole column became text. Often a mark for missing values, such as ? or n/a.",
        "Tell the reader what means missing, or convert the column to numbers and see which rows can't be.",
    ),
    "AN008": Entry(
        "blanks around the text",
        "note",
        "Values begin or end with blanks. ' yes' and 'yes' are two categories.",
        "Strip the column in a pipeline.",
    ),
    "AN009": Entry(
        "one category in several spellings",
        "warning",
        "Values differ in capitals or blanks only, and count as different categories.",
        "Bring them to one spelling: strip and lower case in a pipeline.",
    ),
    "AN010": Entry(
        "rows are there more than once",
        "warning",
        "The same row in the training and the test part makes a model look better than it is, and repeated rows weigh more in training.",
        "Drop repeated rows, or use a grouped split, unless they are real repetitions.",
    ),
    "AN011": Entry(
        "two columns are the same",
        "warning",
        "Two columns have the same value in every row.",
        "List one of them under ignore.",
    ),
    "AN012": Entry(
        "two columns say the same",
        "note",
        "The columns are so strongly correlated that one can be computed from the other, nearly.",
        "One of them is enough; if one was made from the target, it must go.",
    ),
    "AN013": Entry(
        "a few values are far from all others",
        "note",
        "The largest or smallest values are many times as far from the middle as the quartiles. They set the scale of min_max and "
        "standardize, "
        "and everything else becomes one number.",
        "Look whether they are mistakes. If they are real: normalize with log, power, quantile or robust.",
    ),
    "AN014": Entry(
        "a number that looks like a mark",
        "warning",
        "One value, such as -999 or 99999, is frequent, stands at the end of the range and far from all others: it seems to mean "
        "missing, or "
        "more than that.",
        "Turn it into a missing value, and keep in a column of its own that it was there.",
    ),
    "AN015": Entry(
        "values pile up at an end of the range",
        "note",
        "The smallest or largest value is far more frequent than those beside it: values beyond it were probably cut off.",
        "If it is the target, a model can't learn what lies beyond; consider to leave these rows out. In a feature, add a column "
        "that says that "
        "the value is at the end.",
    ),
    "AN016": Entry(
        "the names of the columns look wrong",
        "warning",
        "They look like values of a row, or like several names in one: the file has no header, or its columns are parted by something "
        "else.",
        "Write header: false and names: [...] in the source, or the right delimiter.",
    ),
    "AN020": Entry(
        "the target is missing in some rows",
        "warning",
        "Rows without a target can't be learned from or judged.",
        "Leave these rows out, or find out why nobody knows their target.",
    ),
    "AN021": Entry(
        "the classes are not balanced",
        "note",
        "One class is at least ten times as frequent as another. Accuracy then says little: always answering the frequent class "
        "is often right.",
        "Stratify the split; look at balanced accuracy, F1 or the area under the curve; use class_weight or balanced sampling.",
    ),
    "AN022": Entry(
        "a class has very few rows",
        "warning",
        "With fewer than ten rows, a class is hardly in the test part, and no figure about it means anything.",
        "Collect more of it, join it with another one, or leave it out.",
    ),
    "AN023": Entry(
        "a column is the target",
        "error",
        "The column equals the target in nearly every row. Every model will be perfect, and useless for new rows.",
        "List it under ignore.",
    ),
    "AN024": Entry(
        "a column alone says the target",
        "error",
        "From this column alone the target is known nearly always, on rows that weren't learned from. It was probably made from "
        "the target, or "
        "after it was known.",
        "Ask whether the value is known when a prediction is wanted. If not, list it under ignore.",
    ),
    "AN025": Entry(
        "the target never changes",
        "error",
        "All rows have the same target. There is nothing to learn.",
        "Look at how the file was made, or choose another target.",
    ),
    "AN026": Entry(
        "every row has another target",
        "warning",
        "The target is text and different in every row, so no class is there twice.",
        "Choose another target, or turn it into numbers or classes before.",
    ),
    "AN030": Entry(
        "rows have a time",
        "note",
        "Rows near in time are often alike. A random split puts neighbours into training and test, and the test then says too much.",
        "Split by time: split: {type: by_time, test: 0.2}, and time: COLUMN in the source.",
    ),
    "AN031": Entry(
        "there is a gap in the times",
        "note",
        "The longest time without a row is at least fifty times the usual one.",
        "Look whether rows are lost. Sequences that reach over the gap are none.",
    ),
    "AN040": Entry(
        "numbers are distributed otherwise",
        "warning",
        "The two tables have other numbers in this column: the population stability index is at least 0.2, or the "
        "Kolmogorov-Smirnov distance at "
        "least 0.2. What was learned from one may not hold for the other.",
        "Find out what changed. Look at figures on the new data, and train again with some of them.",
    ),
    "AN041": Entry(
        "categories are distributed otherwise",
        "warning",
        "The two tables have the categories of this column in other shares: the population stability index is at least 0.2.",
        "Find out what changed. Look at figures on the new data, and train again with some of them.",
    ),
    "AN042": Entry(
        "there are new categories",
        "warning",
        "The other table has categories that aren't in the first. A model has never seen them; unless unknown: ignore is written, "
        "it refuses them.",
        "Train with data that have them, or write unknown: ignore in the source.",
    ),
    "AN043": Entry(
        "the columns are other ones",
        "error",
        "A column is missing in the other table, is new, or holds another kind of value. A model trained on one can't read the other.",
        "Rename or convert the columns so that both tables have the same.",
    ),
    "AN044": Entry(
        "rows are in both tables",
        "warning",
        "The same rows stand in both tables. If one is for training and the other for the test, the test has been learned by heart.",
        "Take them out of one of the tables, unless both are meant to overlap.",
    ),
    "AN045": Entry(
        "more or less is missing",
        "warning",
        "The shares of missing values differ by at least 5 points.",
        "Look at how both tables were made; perhaps missing values are written in another way.",
    ),
}
"""Code to what it means. Codes stay; new ones are added."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: From `CATALOGUE`.
        columns: Of which columns; none, if it is about whole rows.
        found: What exactly was found, with figures.
    """

    code: str
    columns: tuple[str, ...]
    found: str

    @property
    def entry(self) -> Entry:
        """What its code means."""
        return CATALOGUE[self.code]

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.entry.severity

    def __str__(self) -> str:
        where = ", ".join(map(repr, self.columns))
        return f"[{self.code}] {where + ': ' if where else ''}{self.entry.title}. {self.found}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON)."""
        entry = self.entry
        about = {"title": entry.title, "meaning": entry.meaning, "advice": entry.advice}
        return {"code": self.code, "severity": entry.severity, "columns": list(self.columns), "found": self.found, **about}


def ordered(findings: list[Finding]) -> list[Finding]:
    """The worst first."""
    weight = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: (weight[finding.severity], finding.code))

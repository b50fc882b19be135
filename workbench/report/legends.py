"""What a reader of scores must be told beside them: signs, how far the text was read, and whether two draws agree."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evidence.exhibits import TokenScores
from workbench.evidence.exhibits.explanations import DRAWS_AGREE
from workbench.report.text import listed, plural, short

_SIGNED = (
    "Underlined with +: pushes towards the label explained. Dotted with −: pushes away from it. "
    "The stronger the colour, the stronger the push, relative to the strongest word of the text."
)
_UNSIGNED = (
    "how strongly a word moves the output, not which way: the deeper the shade and the thicker the line under a word "
    "without + or −, the more strongly, relative to the strongest word of the text."
)
_UNREAD = "In a dashed box, after “not read”: words that the model does not read."
STRENGTH = "strength only, not which way"
"""Said of every text whose scores have no sign: its legend may be a page away."""


def legend(scores: Sequence[TokenScores]) -> str:
    """Return how to read the marks of these texts; of signs, for each kind of method that is among them."""
    unsigned = [short(method) for method in dict.fromkeys(one.method for one in scores if not one.signed)]
    sentences = [_SIGNED] if not unsigned or any(one.signed for one in scores) else []
    if unsigned:
        sentences.append(f"{listed(unsigned)} {'tell' if len(unsigned) > 1 else 'tells'} {_UNSIGNED}")
    if any(one.span_read != (0, len(one.text)) for one in scores):
        sentences.append(_UNREAD)
    return " ".join(sentences)


def not_read(scores: TokenScores) -> str:
    """Return the sentence that says how much of the text the model read; '' where it leaves no word unread."""
    if scores.read is None:
        return ""
    start, stop = scores.span_read
    length = len(scores.text)
    part, whole, unit = scores.read.words, scores.read.of, "word"
    if part == whole:  # the cut goes through the last word, or the only one
        part, whole, unit = stop - start, length, "character"
    where = "the first " if start == 0 < stop < length else "the last " if start and stop == length else ""
    much = f"only {where}{part:,} of {plural(whole, unit)}" if part < whole else "not all"
    return f"The model read {much}: the rest had no say in the decision and has no score."


def draws(scores: TokenScores) -> str:
    """Return how well two draws of a method that samples agree; '' where there were no two."""
    found = scores.seed_agreement
    if found is None:
        return ""
    if found >= DRAWS_AGREE:
        return f"two draws agree to {found:.2f}"
    told = min(round(found, 2), DRAWS_AGREE - 0.01)  # never rounded up to what it does not reach
    return f"two draws agree only to {told:.2f} after {scores.passes:,} passes: read the ranking with care"

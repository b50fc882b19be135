"""What a reader of scores is told beside them."""

import pytest

from workbench.evidence.exhibits import PartRead, TokenScores
from workbench.report.legends import draws, legend, not_read


def scores(text="good dress", **more):
    given = {"method": "m@1", "tokens": (), "spans": (), "scores": (), "passes": 8000, **more}
    return TokenScores(example="", text=text, target="yes", output="probability", probability=0.5, **given)


SIGNED, UNSIGNED = scores(), scores(method="saliency@1", signed=False)


def test_signs_are_explained_only_where_there_are_some():
    assert "pushes towards" in legend([SIGNED])
    assert "which way" not in legend([SIGNED])
    assert "pushes" not in legend([UNSIGNED])
    assert legend([UNSIGNED]).startswith("saliency@1 tells how strongly a word moves the output, not which way")


def test_methods_side_by_side_have_both_legends_and_the_unsigned_ones_are_named():
    other = scores(method="attention_rollout@1", signed=False)
    told = legend([SIGNED, UNSIGNED, other, SIGNED, UNSIGNED])
    assert "pushes towards the label explained" in told
    assert "saliency@1 and attention_rollout@1 tell how strongly a word moves the output, not which way" in told
    assert "m@1" not in told


def test_of_what_is_not_read_the_legend_tells_where_it_is_marked():
    cut = scores(read=PartRead(start=0, stop=4, words=1, of=2))
    withheld = scores(read=PartRead(start=None, stop=None, words=1, of=2))
    assert "not read" in legend([SIGNED, cut])
    assert "not read" not in legend([SIGNED, withheld])


@pytest.mark.parametrize(
    ("text", "read", "much"),
    [
        ("one two three", (0, 7, 2, 3), "only the first 2 of 3 words"),
        ("one two three", (4, 13, 2, 3), "only the last 2 of 3 words"),
        ("one two three", (4, 7, 1, 3), "only 1 of 3 words"),
        ("one two three", (None, None, 2, 3), "only 2 of 3 words"),
        ("\u8fd9\u4ef6\u8863\u670d", (0, 2, 1, 1), "only the first 2 of 4 characters"),
        ("withheld", (None, None, 1, 1), "not all"),
    ],
)
def test_how_much_was_read(text, read, much):
    part = PartRead(**dict(zip(("start", "stop", "words", "of"), read, strict=True)))
    told = not_read(scores(text, read=part))
    assert told == f"The model read {much}: the rest had no say in the decision and has no score."


def test_of_a_text_read_to_its_end_nothing_is_said():
    assert not_read(SIGNED) == ""


@pytest.mark.parametrize(
    ("agreement", "told"),
    [
        (None, ""),
        (0.934, "two draws agree to 0.93"),
        (0.9, "two draws agree to 0.90"),
        (0.76, "two draws agree only to 0.76 after 8,000 passes: read the ranking with care"),
        (0.8999, "two draws agree only to 0.89 after 8,000 passes: read the ranking with care"),
        (-0.2, "two draws agree only to -0.20 after 8,000 passes: read the ranking with care"),
    ],
)
def test_whether_two_draws_agree(agreement, told):
    assert draws(scores(seed_agreement=agreement)) == told

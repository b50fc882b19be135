"""The trust table says in words what the numbers say, and the other way round it would be found out."""

import pytest

from workbench.evidence.exhibits import MethodQuality
from workbench.evidence.measurement import Interval, Measurement
from workbench.report.trust import GAIN, trust, worth


def one(metric, value, low, high, level=0.95, **where):
    return Measurement(
        name=f"explanations.{metric}", value=value, unit="score", better="higher", n=40,
        interval=Interval(low=low, high=high, level=level, method="bootstrap"), where=where,
    )  # fmt: skip


def gain(method, value, low, high):
    return one("gain_over_random", value, low, high, level=1 - 0.05 / 6, attributor=method)


def table(blocks, start):
    (found,) = [block for block in blocks if block.kind == "table" and block.caption.startswith(start)]
    return [[cell.text for cell in row] for row in found.rows]


def sentence(blocks):
    return next(block.text for block in blocks if block.kind == "paragraph")


def test_methods_are_ranked_and_what_beats_random_words_is_said():
    held = [
        gain("weak@1", 0.02, -0.01, 0.05), gain("good@1", 0.2, 0.1, 0.3),
        one("comprehensiveness", 0.3, 0.2, 0.4, attributor="good@1"),
        one("comprehensiveness", 0.1, 0.0, 0.2, attributor="random@1"),
        one("comprehensiveness", 0.5, 0.4, 0.6, attributor="good@1", removal="mask"),
        one("tau_loo", 0.4, 0.3, 0.5, attributor="good@1"),
    ]  # fmt: skip
    blocks = trust(held)
    rows = table(blocks, "Methods")
    assert [row[:3] for row in rows] == [
        ["good@1", "yes", "not asked"],
        ["weak@1", "not shown", "not asked"],
        ["random@1", "the floor", ""],
    ]
    assert rows[0][4:] == ["0.300", "0.400"]
    assert rows[1][4:] == ["not measured", "not measured"]
    text = sentence(blocks)
    assert text.startswith("good@1: taking away the words named changes")
    assert "Whether the explanations depend on what the model learned was not checked in this audit." in text
    assert "99.2% intervals" in text
    assert "Do not rely on weak@1" in text
    folds = [block for block in blocks if block.kind == "fold"]
    assert "0.500" in str(folds)


def checked(method, low, high, last=None):
    where = {"scores": "signed", "randomised": "7 of 8 parts"}
    found = [
        one("randomisation_correlation", (low + high) / 2, low, high, attributor=method),
        one("randomisation_excess", (low + high) / 2 - 0.4, low - 0.4, high - 0.4, attributor=method),
    ]
    if last is not None:
        found.append(one("randomisation_correlation", last, last - 0.05, last + 0.05, attributor=method, **where))
    return found


def test_the_answer_needs_both_better_than_random_words_and_the_sanity_check():
    held = [gain(f"{name}@1", 0.2, 0.1, 0.3) for name in ("sound", "shallow", "blind", "unsure", "unasked")]
    held += [gain("weak@1", 0.02, -0.01, 0.05), *checked("weak@1", 0.0, 0.1)]
    held += [*checked("sound@1", 0.0, 0.1, 0.1), *checked("shallow@1", 0.0, 0.1, 0.8)]
    held += [*checked("blind@1", 0.9, 1.0, 1.0), *checked("unsure@1", 0.3, 0.5)]
    blocks = trust(held)
    assert {row[0]: row[2] for row in table(blocks, "Methods")} == {
        "sound@1": "passes",
        "shallow@1": "passes, with reservation",
        "blind@1": "fails",
        "unsure@1": "not shown",
        "unasked@1": "not asked",
        "weak@1": "passes",
        "random@1": "",
    }
    text = sentence(blocks)
    assert text.startswith("sound@1: taking away the words named")
    assert "With reservation, shallow@1: better than random words, but" in text
    assert "Not shown to pass the sanity check, though better than random words: unsure@1." in text
    assert "Better than random words, and not put to the sanity check in this audit: unasked@1." in text
    assert "Do not rely on blind@1: better than random words, but the sanity check failed" in text
    assert text.endswith("Do not rely on weak@1: not shown to be better than random words.")


def test_a_method_that_was_asked_and_left_nothing_to_compare_was_not_left_out_of_the_check():
    held = [gain("sound@1", 0.2, 0.1, 0.3), gain("silent@1", 0.2, 0.1, 0.3), *checked("sound@1", 0.0, 0.1)]
    blocks = trust(held, asked=("sound@1", "silent@1"))
    assert [row[2] for row in table(blocks, "Methods")] == ["passes", "not shown", ""]
    assert "Not shown to pass the sanity check, though better than random words: silent@1." in sentence(blocks)
    assert "not put to the sanity check" not in sentence(blocks)


def test_what_is_alike_on_a_model_of_random_labels_is_named_with_reservation():
    held = [gain(f"{name}@1", 0.2, 0.1, 0.3) for name in ("taught", "untaught")]
    held += [*checked("taught@1", 0.0, 0.1), *checked("untaught@1", 0.0, 0.1)]
    held += [
        one("label_randomisation_correlation", 0.3, 0.2, 0.6, attributor="taught@1"),
        one("label_randomisation_correlation", 0.8, 0.7, 0.9, attributor="untaught@1"),
        one("label_randomisation_correlation", 0.8, 0.7, 0.9, attributor="taught@1", scores="absolute"),
    ]
    blocks = trust(held)
    assert [row[2] for row in table(blocks, "Methods")] == ["passes", "passes, with reservation", ""]
    text = sentence(blocks)
    assert text.startswith("taught@1: taking away the words named")
    assert (
        "With reservation, untaught@1: better than random words, but the explanations are like those on a model" in text
    )


def test_where_what_beats_random_words_fails_the_sanity_check_the_answer_is_none():
    text = sentence(trust([gain("blind@1", 0.2, 0.1, 0.3), *checked("blind@1", 0.9, 1.0)]))
    assert text.startswith(
        "None for sure. Do not rely on blind@1: better than random words, but the sanity check failed"
    )


def test_where_nothing_beats_random_words_the_reader_is_told_not_to_believe():
    text = sentence(trust([gain("weak@1", 0.02, -0.01, 0.05), gain("worse@1", -0.2, -0.3, -0.1)]))
    assert text.startswith("None.")
    assert "should be believed" in text


def test_each_pair_of_methods_has_a_row():
    pair = {"attributor": "a@1", "other": "b@1"}
    held = [
        gain("a@1", 0.2, 0.1, 0.3), gain("b@1", 0.1, 0.05, 0.3), gain("c@1", 0.05, 0.01, 0.1),
        one("agreement", 0.61, 0.5, 0.7, **pair), one("top_overlap", 0.4, 0.3, 0.5, **pair),
    ]  # fmt: skip
    assert table(trust(held), "How alike") == [
        ["a@1 and b@1", "0.610", "0.400"],
        ["a@1 and c@1", "not measured", "not measured"],
        ["b@1 and c@1", "not measured", "not measured"],
    ]


def test_without_quality_measurements_the_plain_tables_stay():
    blocks = trust([one("completeness_gap", 0.01, 0.0, 0.02, attributor="integrated_gradients@1")])
    assert [block.kind for block in blocks] == ["table"]
    assert trust([]) == ()


def test_one_texts_worth_says_what_is_undefined():
    found = worth([
        MethodQuality(attributor="occlusion@1", values={"comprehensiveness/deletion": 0.25}),
        MethodQuality(attributor="lime@1", values={"comprehensiveness/deletion": 0.2, "tau_loo": 0.5}),
    ])  # fmt: skip
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["occlusion@1", "0.250", "undefined"],
        ["lime@1", "0.200", "0.500"],
    ]


def test_the_golden_report_leads_with_trust(rich):
    from workbench.report.pillars import sections

    (section,) = [one for one in sections(rich) if one.id == "explanations"]
    kinds = [(block.kind, getattr(block, "text", getattr(block, "caption", ""))) for block in section.blocks]
    assert ("heading", "Which explanations should you trust for this model?") in kinds[:2]
    assert any(name.startswith("Words that push towards recommended") for _, name in kinds)


@pytest.mark.parametrize("name", [GAIN])
def test_the_gain_is_explained_in_the_glossary(name):
    from workbench.report.glossary import GLOSSARY

    assert "random words" in GLOSSARY[name].what

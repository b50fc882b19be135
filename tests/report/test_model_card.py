"""The model card, read back by the library whose format it is, and by a Markdown reader."""

import re

import pytest
import yaml as pyyaml
from huggingface_hub import ModelCard

from workbench.evidence.record import Measured
from workbench.report.markdown import plain, table, yaml
from workbench.report.model_card import OPEN, is_untouched, model_card
from workbench.report.redact import redact


@pytest.fixture(scope="module")
def text(rich):
    return model_card(rich, rich.findings)


def test_the_hub_library_reads_every_result_with_its_value(rich, text):
    card = ModelCard(text)
    results = {(one.metric_name, one.metric_value) for one in card.data.eval_results}
    accuracy = rich.find("performance.accuracy")
    assert ("Accuracy", accuracy.value) in results
    (first,) = (one for one in card.data.eval_results if one.metric_name == "Accuracy")
    assert (first.metric_type, first.task_type, first.dataset_name) == ("accuracy", "text-classification", "reviews")
    assert first.metric_args == {"n": accuracy.n, "low": 0.9014, "high": 0.9222, "level": 0.95, "method": "Wilson"}
    pillars = ("performance.", "calibration.", "robustness.", "fairness.", "privacy.")
    overall = [one for _, one in rich.measurements() if "group" not in one.where and one.name.startswith(pillars)]
    assert len(card.data.eval_results) == len(overall) > 20
    assert card.data.model_name == "minilm-reviews"
    assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()


def test_what_a_record_cannot_know_is_left_to_people(text):
    open_parts = re.findall(r"## (.+)\n\n\*" + OPEN, text)
    assert open_parts == ["Intended use", "Uses out of scope", "Who may be harmed, and how", "Licence and contact"]
    assert "license" not in pyyaml.safe_load(text[4 : text.index("\n---\n")])


def test_a_base_model_is_named_only_where_it_is_a_hub_id(rich):
    def base(name):
        card = model_card(rich.model_copy(update={"model": rich.model.model_copy(update={"base": name})}), ())
        return ModelCard(card).data.base_model

    assert base("sentence-transformers/all-MiniLM-L6-v2") == "sentence-transformers/all-MiniLM-L6-v2"
    assert base("all-MiniLM-L6-v2") is None
    assert base("/home/somebody/model") is None
    assert base(None) is None


def test_requirements_stand_worst_first_and_absent_pillars_are_named(text):
    order = [line.split(" | ")[0][2:] for line in text.splitlines() if line.startswith(("| Missed", "| Not est", "| Warn", "| Met"))]  # fmt: skip  # noqa: E501
    assert order == ["Missed", "Not established", "Not established", "Warning", "Warning", "Met", "Met", "Met"]
    assert "Not measured: privacy." in text


def test_a_record_without_figures_makes_a_card_that_says_so(rich):
    card = model_card(rich.model_copy(update={"evidence": (), "findings": ()}), ())
    assert "No requirement was judged." in card
    assert "Not measured: performance, calibration, robustness, fairness, privacy." in card
    assert ModelCard(card).data.eval_results in (None, [])


def test_same_record_same_card(rich, text):
    assert model_card(rich, rich.findings) == text


def test_a_card_that_somebody_edited_is_known(text):
    assert is_untouched(text)
    assert not is_untouched(text.replace(f"*{OPEN}.*", "For product reviews.", 1))
    assert not is_untouched(text + "More.\n")
    assert not is_untouched("# somebody's own card\n")


def test_a_redacted_record_says_so_on_its_card(rich, text):
    assert "are withheld" not in text
    bare = redact(rich)
    assert "Texts and small groups are withheld." in model_card(bare, bare.findings)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, -1e-9, 1e30, True, None], "b": {"c": "x: y"}, "d": [], "e": {}},
        [{"a": 1, "b": [{"c": "- x"}, {"d": "#"}]}, ["n", ["m"]]],
        {"a": 'quote " back \\ slash', "b": "yes", "c": "1e3", "d": "null", "e": "*x", "f": "👩‍👩‍👧‍👦 é"},
    ],
)
def test_yaml_comes_back_as_it_was(value):
    assert pyyaml.safe_load(yaml(value)) == value


def test_markdown_shows_the_text_and_nothing_else():
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable("table")
    for text in ("a | b", "*x* _y_ `z`", "[x](y)", "<b>&amp;", "# x", "- x", "1. x", "a\\b", "~~x~~ $y$", "x" * 300):
        inline = [one for one in reader.parse(plain(text)) if one.type == "inline"]
        assert "".join(one.content for one in inline[0].children) == text
        rows = [one.type for one in reader.parse(table(("a", "b"), [(text, "x")]))]
        assert rows.count("td_open") == 2


def test_of_many_figures_of_one_kind_the_worst_are_shown_and_the_rest_counted(rich):
    accuracy = rich.find("performance.accuracy")
    swaps = tuple(
        accuracy.model_copy(
            update={
                "name": "fairness.counterfactual_flip_rate",
                "better": "lower",
                "value": (i * 7 % 30) / 100,
                "where": {"pair": f"term {i} to term {i + 1}"},
            }
        )
        for i in range(30)
    )
    evidence = (rich.evidence[0].model_copy(update={"result": Measured(measurements=(accuracy, *swaps))}),)
    card = model_card(rich.model_copy(update={"evidence": evidence, "findings": ()}), ())
    shown = [one.metric_value for one in ModelCard(card).data.eval_results if one.metric_name != "Accuracy"]
    assert sorted(shown) == [0.27, 0.28, 0.29]
    assert "the worst 3 of 30 figures are shown; the report holds all." in card

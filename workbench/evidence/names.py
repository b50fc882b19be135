"""The measurement names that policies, comparisons, scripts and people rely on.

One table: `pillar.metric` to its title, the kind of quantity it is and the facets that say what it is about. A renamed
entry is a new schema version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Literal

Quantity = Literal["proportion", "difference", "ratio", "score", "amount"]
"""`proportion`: a share of n units, in [0, 1]; `difference`: between two proportions, in [0, 1]; `ratio`: of two, in
[0, 1]; `score`: anything else without a unit; `amount`: has a unit of its own (seconds, bytes, queries, nats)."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is known about one measurement name."""

    title: str
    """How a sentence calls it."""
    quantity: Quantity
    facets: tuple[str, ...] = ()
    """Facets that it always has."""
    optional: tuple[str, ...] = ()
    """Facets of its breakdown: with all of them, or with none."""
    qualifiers: tuple[str, ...] = ()
    """Facets that a criterion need not name: left out, every value is judged."""

    @property
    def all_facets(self) -> tuple[str, ...]:
        """Every facet that it may have."""
        return (*self.facets, *self.optional, *self.qualifiers)

    @property
    def over_groups(self) -> bool:
        """Whether it is about all groups of an attribute together: a gap, a mean or the worst of them."""
        return "attribute" in self.facets and "group" not in self.facets


_GROUP = ("attribute", "group")
_RECIPE = ("recipe",)
SEEN = "seen_in_training"
"""Facet of attacks on hardened models: 'yes' where training saw edits of the attack's family, 'no' where it did not."""
_SEEN = (SEEN,)
_ATTRIBUTOR = ("attributor",)
_REMOVAL = ("removal",)


def _gaps() -> dict[str, Named]:
    """Return the gaps between groups: five criteria, difference and ratio, between groups and to all together."""
    criteria = ("demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity", "accuracy")
    forms: tuple[Quantity, ...] = ("difference", "ratio")
    gaps: dict[str, Named] = {}
    for overall in ("", "_to_overall"):
        for criterion in criteria:
            for form in forms:
                called = f"{criterion}_{form}{overall}".replace("_", " ").capitalize()
                gaps[f"fairness.{criterion}_{form}{overall}"] = Named(called, form, ("attribute",))
    for criterion in criteria[:-1]:
        called = f"{criterion} difference".replace("_", " ").capitalize()
        by_label, worst = f"{criterion}_difference_by_label", f"{criterion}_difference_worst_label"
        gaps[f"fairness.{by_label}"] = Named(f"{called}, one label", "difference", ("attribute", "label"))
        gaps[f"fairness.{worst}"] = Named(f"{called}, worst label", "difference", ("attribute",))
    return gaps


NAMES: Mapping[str, Named] = MappingProxyType(
    {
        "performance.accuracy": Named("Accuracy", "proportion"),
        "performance.balanced_accuracy": Named("Balanced accuracy", "score"),
        "performance.macro_f1": Named("Macro-averaged F1", "score"),
        "performance.precision": Named("Precision", "proportion", ("label",)),
        "performance.recall": Named("Recall", "proportion", ("label",)),
        "performance.f1": Named("F1", "score", ("label",)),
        "performance.roc_auc": Named("ROC-AUC", "score", optional=("label",)),
        "performance.average_precision": Named("Average precision", "score", optional=("label",)),
        "performance.log_loss": Named("Log loss", "score"),
        "performance.slice_error": Named("Error of the slice", "proportion", ("slice",)),
        "performance.search_disagreement": Named("Decisions that differ in bfloat16", "proportion"),
        "calibration.ece": Named("Calibration error", "score", optional=_GROUP),
        "calibration.ece_raw": Named("Calibration error, raw", "score", optional=_GROUP),
        "calibration.ece_if_calibrated": Named(
            "Calibration error that a calibrated model would show", "score", optional=_GROUP
        ),
        "calibration.ece_raw_if_calibrated": Named(
            "Raw calibration error that a calibrated model would show", "score", optional=_GROUP
        ),
        "calibration.brier": Named("Brier score", "score", optional=_GROUP),
        "cost.parameters": Named("Parameters", "amount"),
        "cost.bytes": Named("Size on disk", "amount"),
        "cost.latency_p50": Named("Latency, median", "amount"),
        "cost.latency_p95": Named("Latency, 95th percentile", "amount"),
        "cost.throughput": Named("Throughput", "amount"),
        "cost.peak_memory": Named("Peak memory", "amount"),
        "robustness.attack_success_rate": Named("Attack success rate", "proportion", _RECIPE, qualifiers=_SEEN),
        # A score: it is the product of two estimates, so no plain proportion's n decides it.
        "robustness.valid_success_rate": Named("Valid attack success rate", "score", _RECIPE, qualifiers=_SEEN),
        "robustness.accuracy_under_attack": Named("Accuracy under attack", "proportion", _RECIPE, qualifiers=_SEEN),
        "robustness.queries_mean": Named("Queries per attack, mean", "amount", _RECIPE, qualifiers=_SEEN),
        "robustness.queries_median": Named("Queries per attack, median", "amount", _RECIPE, qualifiers=_SEEN),
        "robustness.words_changed_mean": Named("Words changed, mean", "score", _RECIPE, qualifiers=_SEEN),
        "robustness.words_changed_median": Named("Words changed, median", "score", _RECIPE, qualifiers=_SEEN),
        "robustness.similarity_mean": Named("Similarity to the original, mean", "score", _RECIPE, qualifiers=_SEEN),
        "robustness.search_missed_rate": Named(
            "Share of the texts resisting a bfloat16 search that fall to a float32 search", "proportion", _RECIPE
        ),
        "robustness.words_left_mean": Named("Share of the words left, mean", "score", _RECIPE),
        "robustness.reduced_confidence_mean": Named("Confidence in the words left, mean", "score", _RECIPE),
        "robustness.failure_rate": Named("Behaviour failure rate", "proportion", ("behaviour",)),
        "robustness.noise_auc": Named("Accuracy under noise, area", "score", ("noise",)),
        "robustness.certified_accuracy": Named("Certified accuracy", "proportion", ("radius",), qualifiers=("keep",)),
        "fairness.selection_rate": Named("Selection rate", "proportion", _GROUP),
        "fairness.accuracy": Named("Accuracy", "proportion", _GROUP),
        "fairness.true_positive_rate": Named("True positive rate", "proportion", _GROUP),
        "fairness.false_positive_rate": Named("False positive rate", "proportion", _GROUP),
        "fairness.false_negative_rate": Named("False negative rate", "proportion", _GROUP),
        "fairness.precision": Named("Precision", "proportion", _GROUP),
        "fairness.roc_auc": Named("ROC-AUC", "score", _GROUP),
        **_gaps(),
        "fairness.worst_group_accuracy": Named("Accuracy of the worst group", "score", ("attribute",)),
        "fairness.bpsn_auc": Named("BPSN AUC", "score", _GROUP),
        "fairness.bnsp_auc": Named("BNSP AUC", "score", _GROUP),
        "fairness.subgroup_auc_power_mean": Named("ROC-AUC, power mean over groups", "score", ("attribute",)),
        "fairness.bpsn_auc_power_mean": Named("BPSN AUC, power mean over groups", "score", ("attribute",)),
        "fairness.bnsp_auc_power_mean": Named("BNSP AUC, power mean over groups", "score", ("attribute",)),
        "fairness.ece": Named("Calibration error", "score", _GROUP),
        "fairness.ece_if_calibrated": Named("Calibration error that a calibrated model would show", "score", _GROUP),
        "fairness.overconfidence": Named("Confidence above accuracy, mean", "score", _GROUP),
        "fairness.brier": Named("Brier score", "score", _GROUP),
        # Scores: they compare no proportions, and the Brier score of several labels reaches 2.
        "fairness.ece_difference": Named("Calibration error difference", "score", ("attribute",)),
        "fairness.brier_difference": Named("Brier score difference", "score", ("attribute",)),
        "fairness.counterfactual_flip_rate": Named("Counterfactual flip rate", "proportion", ("swap",)),
        "fairness.counterfactual_absolute_change": Named("Counterfactual score change, mean size", "score", ("swap",)),
        "fairness.counterfactual_score_change": Named("Counterfactual score change, mean", "score", ("swap",)),
        "privacy.epsilon": Named("Epsilon", "amount", ("accountant",)),
        "privacy.delta": Named("Delta", "amount"),
        "privacy.membership_auc": Named("Membership inference AUC", "score", ("attack",), _GROUP),
        "privacy.membership_tpr": Named(
            "Membership inference true positive rate", "proportion", ("attack", "fpr"), _GROUP
        ),
        # Not a difference between proportions: below zero where the attack finds more than epsilon allows.
        "privacy.membership_margin": Named(
            "True positive rate that epsilon allows, above what attacks reach", "score", ("confidence",)
        ),
        "privacy.blind_auc": Named("Membership told without the model, AUC", "score"),
        # Not differences in [0, 1]: a private model may be the better one.
        "privacy.accuracy_cost": Named("Accuracy that privacy costs", "score"),
        "privacy.auc_cost": Named("ROC-AUC that privacy costs", "score"),
        "privacy.canary_exposure": Named("Canary exposure", "amount"),
        "privacy.epsilon_lower_bound": Named(
            "Empirical lower bound of epsilon", "amount", ("confidence",), qualifiers=("canaries",)
        ),
        "privacy.claim_margin": Named(
            "Claimed epsilon above its empirical lower bound", "amount", ("confidence",), qualifiers=("canaries",)
        ),
        "explanations.comprehensiveness": Named("Comprehensiveness", "score", _ATTRIBUTOR, _REMOVAL),
        "explanations.sufficiency": Named("Sufficiency", "score", _ATTRIBUTOR, _REMOVAL),
        "explanations.deletion_auc": Named("Deletion curve, area", "score", _ATTRIBUTOR, _REMOVAL),
        "explanations.insertion_auc": Named("Insertion curve, area", "score", _ATTRIBUTOR, _REMOVAL),
        "explanations.gain_over_random": Named("Comprehensiveness above that of random words", "score", _ATTRIBUTOR),
        "explanations.passes_mean": Named("Forward passes per explanation, mean", "amount", _ATTRIBUTOR),
        "explanations.passes_median": Named("Forward passes per explanation, median", "amount", _ATTRIBUTOR),
        "explanations.seconds_median": Named("Seconds per explanation, median", "amount", _ATTRIBUTOR),
        "explanations.tau_loo": Named("Rank agreement with leave-one-out", "score", _ATTRIBUTOR),
        "explanations.infidelity": Named("Infidelity", "score", _ATTRIBUTOR),
        "explanations.sensitivity": Named("Sensitivity to small changes, mean", "score", _ATTRIBUTOR),
        "explanations.sensitivity_median": Named("Sensitivity to small changes", "score", _ATTRIBUTOR),
        "explanations.randomisation_correlation": Named(
            "Correlation after randomising the model", "score", _ATTRIBUTOR, ("randomised", "scores")
        ),
        "explanations.randomisation_excess": Named(
            "Likeness to a random model, above that of two random models", "score", _ATTRIBUTOR
        ),
        "explanations.label_randomisation_correlation": Named(
            "Correlation with a model trained on random labels", "score", _ATTRIBUTOR, ("scores",)
        ),
        "explanations.seed_stability": Named("Stability across seeds", "score", _ATTRIBUTOR),
        "explanations.edit_stability": Named("Stability across edits that keep the meaning", "score", _ATTRIBUTOR),
        "explanations.completeness_gap": Named("Completeness gap", "score", _ATTRIBUTOR),
        "explanations.agreement": Named("Agreement between methods", "score", ("attributor", "other")),
        "explanations.top_overlap": Named("Top words in common", "score", ("attributor", "other")),
    }
)


_SIGNED = (-1.0, 1.0)
_TWICE = (0.0, 2.0)
_ANY = (-inf, inf)
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "performance.log_loss": (0.0, inf),
        "calibration.brier": _TWICE,
        "fairness.brier": _TWICE,
        "fairness.brier_difference": _TWICE,
        "fairness.overconfidence": _SIGNED,
        "fairness.counterfactual_score_change": _SIGNED,
        "robustness.words_changed_mean": (0.0, inf),
        "robustness.words_changed_median": (0.0, inf),
        "robustness.similarity_mean": _SIGNED,
        "privacy.membership_margin": _SIGNED,
        "privacy.accuracy_cost": _SIGNED,
        "privacy.auc_cost": _SIGNED,
        "privacy.delta": (0.0, 1.0),
        "privacy.claim_margin": _ANY,
        "explanations.comprehensiveness": _SIGNED,
        "explanations.sufficiency": _SIGNED,
        "explanations.gain_over_random": (-2.0, 2.0),
        "explanations.tau_loo": _SIGNED,
        "explanations.sensitivity": (0.0, inf),
        "explanations.sensitivity_median": (0.0, inf),
        "explanations.randomisation_correlation": _SIGNED,
        "explanations.randomisation_excess": (-2.0, 2.0),
        "explanations.label_randomisation_correlation": _SIGNED,
        "explanations.seed_stability": _SIGNED,
        "explanations.edit_stability": _SIGNED,
        "explanations.completeness_gap": (0.0, inf),
        "explanations.agreement": _SIGNED,
    }
)
"""Where a value lies, if not in [0, 1], or, of an amount, above 0."""

RETIRED: Mapping[str, str] = MappingProxyType(
    {
        "robustness.words_changed_mean": "robustness.words_changed_median",
        "explanations.passes_mean": "explanations.passes_median",
        "explanations.sensitivity": "explanations.sensitivity_median",
    }
)
"""Names that no probe measures any more, kept for the records that hold them -> what is measured in their place."""

_MAKERS: Mapping[str, str] = MappingProxyType(
    {
        "performance": "performance.classification",
        "performance.slice_error": "performance.slices",
        "performance.search_disagreement": "performance.search_precision",
        "calibration": "performance.calibration",
        "cost": "performance.cost",
        "robustness": "robustness.attack",
        "robustness.valid_success_rate": "robustness.judgements",
        "robustness.words_left_mean": "robustness.input_reduction",
        "robustness.reduced_confidence_mean": "robustness.input_reduction",
        "robustness.failure_rate": "robustness.behaviours",
        "robustness.noise_auc": "robustness.noise",
        "robustness.certified_accuracy": "robustness.certified",
        "fairness": "fairness.groups",
        "fairness.bpsn_auc": "fairness.background",
        "fairness.bnsp_auc": "fairness.background",
        "fairness.subgroup_auc_power_mean": "fairness.background",
        "fairness.bpsn_auc_power_mean": "fairness.background",
        "fairness.bnsp_auc_power_mean": "fairness.background",
        "fairness.ece": "fairness.calibration",
        "fairness.ece_if_calibrated": "fairness.calibration",
        "fairness.overconfidence": "fairness.calibration",
        "fairness.brier": "fairness.calibration",
        "fairness.ece_difference": "fairness.calibration",
        "fairness.brier_difference": "fairness.calibration",
        "fairness.counterfactual_flip_rate": "fairness.counterfactual",
        "fairness.counterfactual_absolute_change": "fairness.counterfactual",
        "fairness.counterfactual_score_change": "fairness.counterfactual",
        "privacy": "privacy.membership",
        "privacy.epsilon": "privacy.statement",
        "privacy.delta": "privacy.statement",
        "privacy.blind_auc": "privacy.blind",
        "privacy.accuracy_cost": "privacy.utility_cost",
        "privacy.auc_cost": "privacy.utility_cost",
        "privacy.canary_exposure": "privacy.exposure",
        "privacy.epsilon_lower_bound": "privacy.one_run",
        "privacy.claim_margin": "privacy.one_run",
        "explanations": "explanations.quality",
        "explanations.seconds_median": "explanations.cost",
        "explanations.sensitivity": "explanations.stability",
        "explanations.sensitivity_median": "explanations.stability",
        "explanations.seed_stability": "explanations.stability",
        "explanations.edit_stability": "explanations.stability",
        "explanations.randomisation_correlation": "explanations.sanity",
        "explanations.randomisation_excess": "explanations.sanity",
        "explanations.label_randomisation_correlation": "explanations.sanity",
    }
)
"""Which probe measures what: the pillar's main one, but for these names."""


def maker(name: str) -> str:
    """Return the probe, without its version, that measures `name`."""
    return _MAKERS.get(name) or _MAKERS[name.partition(".")[0]]


def value_range(name: str) -> tuple[float, float]:
    """Return the least and the largest value that `name` can have: a bound outside can only be a mistake."""
    return _RANGES.get(name, (0.0, inf if NAMES[name].quantity == "amount" else 1.0))


def title(name: str) -> str:
    """Return how a sentence calls the measurement `name`; a name that is not in the table is spelled out."""
    known = NAMES.get(name)
    return known.title if known else name.partition(".")[2].replace("_", " ").capitalize()

"""What each measurement is, and what would change it. Keyed by name; a test asks for every known name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Entry:
    """Two sentences for a reader who has not met the number before."""

    what: str
    changes: str
    """What would change it."""


_INTERVALS = (
    "Means and their intervals move with the attacked sample; a stronger search or a larger budget "
    "moves the number itself."
)
_THRESHOLD = "The decision rule: another threshold trades this against its counterpart."


def _gaps() -> dict[str, Entry]:
    """Return what the gaps between groups are: criterion by criterion, as difference and ratio."""
    criteria = {
        "demographic_parity": (
            "how often they receive the positive decision",
            "True differences between the groups count too: a gap here is a question, not yet a finding of fault.",
        ),
        "equal_opportunity": (
            "the share of true positives that is found",
            "Threshold; small groups widen its interval.",
        ),
        "equalized_odds": (
            "the share of true positives found or the share of true negatives wrongly decided, whichever is further "
            "apart",
            "Threshold; groups with few true negatives widen its interval.",
        ),
        "predictive_parity": (
            "how often a positive decision is right",
            "Different shares of true positives: it cannot vanish together with the error gaps where these differ.",
        ),
        "accuracy": ("accuracy", "Small groups widen its interval."),
    }
    four_fifths = " The 'four fifths' rule of thumb compares it with 0.8."
    low = "Where all rates are low, small gaps give small ratios."
    entries: dict[str, Entry] = {}
    for name, (what, changes) in criteria.items():
        named = f"fairness.{name}"
        entries[f"{named}_difference"] = Entry(f"Largest difference between two groups in {what}.", changes)
        entries[f"{named}_difference_to_overall"] = Entry(
            f"Largest difference between a group and all compared groups together in {what}.",
            f"{changes} A large group is part of what it is held against, and so close to it.",
        )
        smaller = f"the smaller over the larger; 1 is equal.{four_fifths if name == 'demographic_parity' else ''}"
        entries[f"{named}_ratio"] = Entry(f"Smallest ratio of two groups in {what}, {smaller}", f"{changes} {low}")
        entries[f"{named}_ratio_to_overall"] = Entry(
            f"Smallest ratio of a group and all compared groups together in {what}: the smaller over the larger; 1 is "
            "equal.",
            f"{changes} {low}",
        )
        if name != "accuracy":
            entries[f"{named}_difference_by_label"] = Entry(
                f"Largest difference between two groups in {what}, where this label counts as positive and the rest as "
                "negative.",
                f"{changes} Rare labels widen its interval.",
            )
            entries[f"{named}_difference_worst_label"] = Entry(
                f"The same for every label against the rest, and of these the largest: in {what}.",
                f"{changes} The number of labels: the largest of many is large by chance, which its interval allows "
                "for.",
            )
    return entries


GLOSSARY: Mapping[str, Entry] = MappingProxyType(
    {
        "performance.accuracy": Entry(
            "Share of the audited examples on which the decision equals the label.",
            "The mix of labels in the data: where one label is common, always giving it already scores high.",
        ),
        "performance.balanced_accuracy": Entry(
            "Mean over the labels of the share of their examples that is decided correctly. Guessing scores 1 / "
            "number of labels.",
            _THRESHOLD,
        ),
        "performance.macro_f1": Entry(
            "Plain mean over the labels of F1, so that a rare label counts as much as a common one.",
            "Few examples of a rare label make it unsteady.",
        ),
        "performance.precision": Entry("Of the examples given this label, the share that truly has it.", _THRESHOLD),
        "performance.recall": Entry("Of the examples that have this label, the share that was given it.", _THRESHOLD),
        "performance.f1": Entry("Harmonic mean of precision and recall of one label.", _THRESHOLD),
        "performance.roc_auc": Entry(
            "Probability that a random positive example is ranked above a random negative one; 0.5 is guessing. "
            "It does not depend on the threshold.",
            "How different the examples are: easy ones, far from the boundary, raise it.",
        ),
        "performance.average_precision": Entry(
            "Mean precision over all recall levels. A random ranking scores the share of positives.",
            "The share of positives in the data: do not compare it between data sets that differ in it.",
        ),
        "performance.log_loss": Entry(
            "Mean negative log probability of the true label; 0 is perfect, always saying 50% costs 0.693.",
            "A few confident mistakes: each costs as much as many right answers save.",
        ),
        "performance.slice_error": Entry(
            "Share of wrong decisions in a part of the data that looked worse than the rest among other people, who "
            "are not counted here.",
            "More people in the slice; what is known of the texts: a slice cut by something else stays unseen.",
        ),
        "performance.search_disagreement": Entry(
            "Share of texts that the bfloat16 copy, on which attacks and explainers search, decides otherwise than the "
            "model itself. No figure in this report rests on the copy alone.",
            "Texts near the decision boundary.",
        ),
        "calibration.ece": Entry(
            "Typical distance between the stated confidence and how often it is right (root mean square over "
            "bins of equal "
            "size, with the part that chance alone causes taken off).",
            "The number of bins, a little; recalibrating the probabilities, a lot.",
        ),
        "calibration.ece_raw": Entry(
            "The same distance as most papers report it (mean absolute, chance included). It is never 0, not "
            "even for a "
            "perfectly calibrated model.",
            "The number of examples: with few of them it is large for every model.",
        ),
        "calibration.ece_if_calibrated": Entry(
            "What this figure would be, by chance, if the model were perfectly calibrated, given this number of "
            "examples.",
            "The number of examples and bins. A measured error well inside this range is no evidence of "
            "miscalibration.",
        ),
        "calibration.ece_raw_if_calibrated": Entry(
            "What the raw figure would be if the model were perfectly calibrated, given this number of examples.",
            "The number of examples and bins. Compare the raw figure with this one, not with 0.",
        ),
        "calibration.brier": Entry(
            "Mean squared distance between probability and outcome; 0 is perfect. It mixes calibration with sharpness.",
            "The share of positives, which sets what a model without skill would score.",
        ),
        "cost.parameters": Entry("Numbers that were learned.", "Another architecture."),
        "cost.bytes": Entry("Size of the weight files on disk.", "Number format of the weights; pruning."),
        "cost.latency_p50": Entry(
            "Half of single requests take at most this long.",
            "The machine, what else runs on it, and the length of the texts.",
        ),
        "cost.latency_p95": Entry(
            "19 of 20 single requests take at most this long.", "As the median, and more so the longest texts."
        ),
        "cost.throughput": Entry(
            "Examples decided per second, in batches that are padded to their longest text.",
            "The machine, precision, batch size and the length of the texts.",
        ),
        "cost.peak_memory": Entry("Most memory held while deciding.", "Batch size and the length of the texts."),
        "robustness.attack_success_rate": Entry(
            "Of the attacked examples that the model decided correctly, the share for which the attack found a "
            "rewriting "
            "that changes the decision.",
            "A stronger search, a larger query budget, looser rules for rewriting. An attack that fails proves "
            "no robustness.",
        ),
        "robustness.valid_success_rate": Entry(
            "Of the attacked examples that the model decided correctly, the estimated share that falls to a rewriting "
            "of which people say that it keeps its label: the attack success rate times that share of the rewritings "
            "judged.",
            "As the success rate; and more rewritings judged, by more people. It holds for a random sample of them.",
        ),
        "robustness.accuracy_under_attack": Entry(
            "Share of the attacked examples that stay correctly decided: those that the model had wrong already "
            "count as wrong.",
            "As the success rate; and the accuracy without any attack.",
        ),
        "robustness.queries_mean": Entry("Times that the attack asked the model, per attacked example.", _INTERVALS),
        "robustness.queries_median": Entry(
            "Half of the attacked examples took the attack so many questions to the model, or fewer. An attack that "
            "spends its budget counts with the budget.",
            "A larger budget, where many attacks spend theirs; another search.",
        ),
        "robustness.words_changed_mean": Entry("Words that a successful rewriting changed, on average.", _INTERVALS),
        "robustness.words_changed_median": Entry(
            "Half of the successful rewritings changed so many words, or fewer.",
            "More successes. Rewritings of many words are easier to notice, and may have lost the meaning.",
        ),
        "robustness.similarity_mean": Entry(
            "How close successful rewritings stay to their originals, by a sentence encoder; 1 is identical.",
            "The encoder. It does not notice every change of meaning: read the rewritings.",
        ),
        "robustness.search_missed_rate": Entry(
            "Of the texts that resisted a search in bfloat16 and were searched again in float32, the share that fell "
            "then. The attack success rate may be too low by that share of the texts that were not searched again.",
            "Repeating more of them; searching in float32 (--precision float32).",
        ),
        "robustness.words_left_mean": Entry(
            "Share of a text's words that are left when words are taken away, the least telling first, as long as the "
            "decision stays. A small share may be fine where these words say it all: read them.",
            "The search: another order of taking words away may leave fewer. The length of the texts.",
        ),
        "robustness.reduced_confidence_mean": Entry(
            "The model's probability of its decision when only those words are left. High, where they say nothing to a "
            "person, it is a confidence that means nothing.",
            "Calibration; training on shortened texts with uncertain labels.",
        ),
        "robustness.failure_rate": Entry(
            "Share of the cases of one required behaviour that the model gets wrong; where a rewriting must not "
            "matter, the share of rewritten texts that are decided otherwise.",
            "The cases: other texts, other ways of rewriting, templates that people wrote.",
        ),
        "robustness.noise_auc": Entry(
            "Mean accuracy while noise of one kind grows from none to its maximum.",
            "The kind of noise and where its scale ends.",
        ),
        "robustness.certified_accuracy": Entry(
            "Share of examples that the smoothed model, which is not the model itself, decides correctly with a proof "
            "that replacing so many words by any others alters nothing. No decision counts as wrong.",
            "Share of the words kept, draws per text, training on masked texts. A lower bound: what is not proved may "
            "hold.",
        ),
        "fairness.selection_rate": Entry(
            "Share of the group that receives the positive decision, right or wrong.",
            "The share of true positives in the group; the threshold.",
        ),
        "fairness.accuracy": Entry(
            "Share of the group that is decided correctly.", "The mix of labels within the group."
        ),
        "fairness.true_positive_rate": Entry("Of the group's true positives, the share that is found.", _THRESHOLD),
        "fairness.false_positive_rate": Entry(
            "Of the group's true negatives, the share wrongly given the positive decision.", _THRESHOLD
        ),
        "fairness.false_negative_rate": Entry("Of the group's true positives, the share that is missed.", _THRESHOLD),
        "fairness.precision": Entry(
            "Of the group's positive decisions, the share that is right.", "The share of true positives in the group."
        ),
        "fairness.roc_auc": Entry(
            "Ranking quality within the group: positives above negatives.", "How different the group's examples are."
        ),
        **_gaps(),
        "fairness.worst_group_accuracy": Entry(
            "Accuracy of the group for which it is lowest.",
            "The number of groups: the lowest of many is low by chance alone.",
        ),
        "fairness.bpsn_auc": Entry(
            "Ranking of the group's negatives against everybody else's positives; low: the group is decided "
            "positive too easily.",
            "The mix of examples inside and outside the group.",
        ),
        "fairness.bnsp_auc": Entry(
            "Ranking of the group's positives against everybody else's negatives; low: the group is decided "
            "negative too easily.",
            "The mix of examples inside and outside the group.",
        ),
        "fairness.subgroup_auc_power_mean": Entry(
            "ROC-AUC within each group, in a mean that lies near the worst group's (power -5).",
            "The number of groups, and how different each group's examples are.",
        ),
        "fairness.bpsn_auc_power_mean": Entry(
            "BPSN AUC over all groups, in a mean that lies near the worst group's (power -5).",
            "The number of groups; one low group moves it most.",
        ),
        "fairness.bnsp_auc_power_mean": Entry(
            "BNSP AUC over all groups, in a mean that lies near the worst group's (power -5).",
            "The number of groups; one low group moves it most.",
        ),
        "fairness.ece": Entry(
            "Typical distance, within the group, between the stated confidence and how often it is right (root mean "
            "square over bins of equal size, with the part that chance alone causes taken off).",
            "Recalibrating the probabilities. Groups with few people: compare with what a calibrated model would show.",
        ),
        "fairness.ece_if_calibrated": Entry(
            "What the group's calibration error would be, by chance, if the model were perfectly calibrated for it.",
            "The number of people in the group. A measured error well inside this range is no evidence of "
            "miscalibration.",
        ),
        "fairness.overconfidence": Entry(
            "Mean probability of the most probable label in the group, less how often that label is true. Above zero "
            "the model claims more for the group than it keeps, below zero less.",
            "Recalibrating the probabilities. Near zero it is no proof of calibration: errors of both signs cancel.",
        ),
        "fairness.brier": Entry(
            "Mean squared distance between probability and outcome in the group; 0 is perfect. It mixes calibration "
            "with sharpness.",
            "The share of positives in the group, and how hard its examples are.",
        ),
        "fairness.ece_difference": Entry(
            "Largest difference between two groups in calibration error.",
            "Small groups widen its interval, and much: a group's calibration error is hard to tell from chance.",
        ),
        "fairness.brier_difference": Entry(
            "Largest difference between two groups in Brier score.",
            "Different shares of positives count too; small groups widen its interval.",
        ),
        "fairness.counterfactual_flip_rate": Entry(
            "Share of texts whose decision changes when only the words for a group are exchanged.",
            "The list of words; pairs that make no sense after the exchange.",
        ),
        "fairness.counterfactual_absolute_change": Entry(
            "How much the positive label's probability changes, up or down, when only the words for a group are "
            "exchanged; mean over texts.",
            "As the flip rate; probabilities near 0 or 1 move less.",
        ),
        "fairness.counterfactual_score_change": Entry(
            "The positive label's probability with the second group's words less that with the first's, in the same "
            "texts; mean over texts that mention one of the two. Below zero: the second group's words lower the score.",
            "As the flip rate; rises and falls cancel, so read it beside the mean size of the change.",
        ),
        "privacy.epsilon": Entry(
            "Upper bound of the privacy loss that differential privacy guarantees, given delta; smaller protects more.",
            "More training steps, less noise, larger sampling rate raise it.",
        ),
        "privacy.delta": Entry(
            "Probability with which the epsilon guarantee may fail.",
            "It is chosen, and must be far below 1 / number of people.",
        ),
        "privacy.membership_auc": Entry(
            "How well an attacker tells training members from others; 0.5 is guessing.",
            "A stronger attack; more overfitting.",
        ),
        "privacy.membership_tpr": Entry(
            "Share of the members that an attacker finds while wrongly accusing at most the stated share of others.",
            "A stronger attack; a few exposed people are enough, which the average hides.",
        ),
        "privacy.membership_margin": Entry(
            "How far the attacks' proven true positive rates stay below what the claimed epsilon and delta allow, "
            "where they come nearest; below zero the claim is false.",
            "A stronger attack or more records can only lower it; that it is positive certifies nothing.",
        ),
        "privacy.blind_auc": Entry(
            "How well members are told from others by their texts and labels alone, without asking the model. About "
            "0.5, as it should be: more, and the two sides differ by date, source or kind, and attacks measure that.",
            "How members and others were chosen. Coins make it 0.5 but for chance.",
        ),
        "privacy.accuracy_cost": Entry(
            "Accuracy of a twin trained without privacy, less the private model's, on the same examples.",
            "A larger epsilon, more examples or a better start make it smaller.",
        ),
        "privacy.auc_cost": Entry(
            "ROC-AUC of a twin trained without privacy, less the private model's, on the same examples.",
            "A larger epsilon, more examples or a better start make it smaller.",
        ),
        "privacy.canary_exposure": Entry(
            "How much more likely the model finds a planted secret than its equals that were not planted, in bits.",
            "How often the secret was planted; the number of comparisons caps it.",
        ),
        "privacy.epsilon_lower_bound": Entry(
            "The least epsilon that the attack's success proves, at the stated confidence.",
            "A stronger attack or more canaries.",
        ),
        "privacy.claim_margin": Entry(
            "The claimed epsilon less what the attack proves; below zero the claim is false.",
            "A stronger attack or more canaries can only lower it; that it is positive certifies nothing.",
        ),
        "explanations.comprehensiveness": Entry(
            "Fall in the probability when the words named most important are deleted; higher is more faithful.",
            "What deleted words are replaced by; the share deleted. Compare with the random baseline.",
        ),
        "explanations.sufficiency": Entry(
            "Fall in the probability when only the words named most important are kept; lower is more faithful.",
            "As comprehensiveness.",
        ),
        "explanations.deletion_auc": Entry(
            "Mean probability while words are deleted, most important first; lower is more faithful.",
            "As comprehensiveness.",
        ),
        "explanations.insertion_auc": Entry(
            "Mean probability while words are put back, most important first; higher is more faithful.",
            "As comprehensiveness.",
        ),
        "explanations.tau_loo": Entry(
            "Rank correlation with the effect of leaving out each word alone; for scores without a sign, with how "
            "large that effect is.",
            "Words that act together: leaving out one shows nothing.",
        ),
        "explanations.infidelity": Entry(
            "Mean squared error when the scores predict the effect of random changes; lower is better. Scores without "
            "a sign predict none.",
            "Kind and size of the changes.",
        ),
        "explanations.sensitivity": Entry(
            "The largest change of the words' scores when the text's embeddings move a little, as share of the scores' "
            "own length; lower is steadier.",
            "Size and number of the movements. A method that always says the same is steady too.",
        ),
        "explanations.sensitivity_median": Entry(
            "The largest change of the words' scores when the text's embeddings move a little, as share of the scores' "
            "own length; lower is steadier. Of half of the texts it is so large, or smaller.",
            "Size and number of the movements. A method that always says the same is steady too.",
        ),
        "explanations.randomisation_correlation": Entry(
            "Rank correlation of the scores before and after the model's weights are randomised; near 0, as it "
            "should be, "
            "means that the scores depend on what was learned.",
            "How many layers are randomised.",
        ),
        "explanations.randomisation_excess": Entry(
            "Correlation of the trained model's explanations with those of a network of random numbers, minus the 95th "
            "percentile of what two such networks have in common. Below zero the method reads the model.",
            "More texts and more random networks. A method near or above zero explains the text, not the model.",
        ),
        "explanations.seed_stability": Entry(
            "Agreement of the scores when only the random seed changes; 1 for methods without chance.",
            "More samples per explanation raise it.",
        ),
        "explanations.edit_stability": Entry(
            "Rank correlation of the words' scores before and after an edit that keeps the meaning (spaces, final "
            "punctuation); 1 is unchanged.",
            "Other edits. A steady explanation may still be wrong.",
        ),
        "explanations.completeness_gap": Entry(
            "How far the scores are from adding up to what they should explain (Captum: convergence delta), as share "
            "of it; 0 is exact. The median over texts drawn by hash of their id.",
            "More integration steps reduce it. A large gap: do not trust this explanation's sizes.",
        ),
        "explanations.gain_over_random": Entry(
            "Comprehensiveness of the method minus that of random words, text by text. Only a method whose whole "
            "interval lies above zero names words that this model uses.",
            "More texts. The interval is wider than 95%, because several methods are compared.",
        ),
        "explanations.passes_mean": Entry(
            "Sequences sent through the model for one explanation.", "The length of the text; the method's settings."
        ),
        "explanations.passes_median": Entry(
            "Sequences sent through the model for one explanation; of half of the texts, so many or fewer.",
            "The length of the text; the method's settings.",
        ),
        "explanations.seconds_median": Entry(
            "How long one explanation takes on this machine, when nothing else runs.",
            "The machine; the length of the text; the method's settings.",
        ),
        "explanations.label_randomisation_correlation": Entry(
            "Rank correlation of the scores with those on a model trained on labels dealt out at random; near 0 means "
            "that the scores depend on what the labels taught.",
            "How long that model was trained. A method that stays alike explains the text, not what was learned.",
        ),
        "explanations.top_overlap": Entry(
            "Share of the five strongest words that two methods have in common.",
            "The length of the texts: short ones share more by chance.",
        ),
        "explanations.agreement": Entry(
            "Rank agreement of two attribution methods on the same decisions.",
            "Agreement is no proof of faithfulness: both may err alike.",
        ),
    }
)

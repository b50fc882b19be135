"""Which probes an audit runs, and how much each may cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workbench.audit.probe import TWIN_FROM, ItemProbe, RepeatingProbe, WholeProbe, probes
from workbench.errors import Misconfigured, NotFound

SANITY = "explanations.sanity@1"
UTILITY_COST = "privacy.utility_cost@1"
BEHAVIOURS = "robustness.behaviours@1"
COUNTERFACTUAL = "fairness.counterfactual@1"
SEARCH = "performance.search_precision@1"
"""Runs in every profile where searches run on a twin; elsewhere it would have nothing to say."""

_ATTACKS = (
    "pwws@1",
    "textbugger_letters@1",
    "textfooler_glove@1",
    "a2t_glove@1",
    "hotflip@1",
    "pruthi@1",
    "leap@1",
    "checklist_without_names@1",
    "homoglyphs@1",
    "invisible_characters@1",
    "reorderings@1",
)
"""Beside deepwordbug@1."""
_CHEAP = (
    "integrated_gradients@1",
    "occlusion@1",
    "input_x_gradient_l2@1",
    "saliency@1",
    "attention_rollout@1",
)
_METHODS = (*_CHEAP, "shap_partition@1")
_ALL = (*_METHODS, "input_x_gradient@1", "shap_kernel@1", "gradient_shap@1", "lime@1", "lime_adaptive@1")

PROFILES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    # Probe -> parameters that differ from its defaults. Sizes were chosen on two cores with a 22.7M-parameter model:
    # quick: three to six minutes on 2,800 reviews; standard: up to half an hour, twice that without AVX-512; full: what
    # the statistics can use. Explanations take one minute of the quick profile and five and a half of the standard one,
    # measured with AVX-512; reckoned from their passes, at most two and a half and a quarter of an hour without.
    "quick": (
        ("performance.classification@1", {}),
        ("performance.calibration@1", {}),
        ("performance.slices@1", {}),
        ("fairness.groups@1", {}),
        ("fairness.permutation@1", {}),
        ("fairness.background@1", {"replicates": 500}),
        ("fairness.calibration@1", {"replicates": 500}),
        # 840 passes on a corpus that mentions one of the six kinds of groups.
        (COUNTERFACTUAL, {"examples": 30}),
        ("privacy.statement@1", {}),
        ("privacy.one_run@1", {}),
        ("privacy.exposure@1", {}),
        (UTILITY_COST, {}),
        ("privacy.blind@1", {"examples": 2_500}),
        ("privacy.membership@1", {"examples": 2_500}),
        ("robustness.attack@1", {"examples": 30}),
        # Nothing here needs what a machine may lack: WordNet's synonyms are for the standard profile.
        ("robustness.attack@1", {"recipe": "checklist_without_names@1", "examples": 80, "query_budget": 100}),
        ("robustness.attack@1", {"recipe": "homoglyphs@1", "examples": 12, "query_budget": 60}),
        (BEHAVIOURS, {"examples": 80}),
        ("robustness.noise@1", {"examples": 30}),
        ("explanations.attribution@1", {"examples": 12}),
        # Two minutes at most. SHAP, at 500 passes a text, is for the standard profile, and so is stability: of the few
        # texts that there is time for here, its interval would reach from 0.2 to 1. The sanity check needs ten texts:
        # below, intervals are so wide that no method passes, whatever it does.
        ("explanations.quality@1", {"methods": _CHEAP, "examples": 10}),
        (SANITY, {"methods": _CHEAP, "examples": 10, "stages": 1}),
        ("explanations.overview@1", {"examples": 15}),
        ("explanations.cost@1", {"methods": _CHEAP}),
        ("performance.cost@1", {"batches": 6, "batch_size": 16}),
    ),
    "standard": (
        ("performance.classification@1", {}),
        ("performance.calibration@1", {}),
        ("performance.slices@1", {}),
        ("fairness.groups@1", {}),
        ("fairness.permutation@1", {}),
        ("fairness.background@1", {}),
        ("fairness.calibration@1", {}),
        (COUNTERFACTUAL, {"examples": 200}),
        ("privacy.statement@1", {}),
        ("privacy.one_run@1", {}),
        ("privacy.exposure@1", {}),
        (UTILITY_COST, {}),
        ("privacy.blind@1", {"examples": 5_000}),
        ("privacy.membership@1", {"examples": 5_000}),
        ("robustness.attack@1", {"examples": 100, "query_budget": 300}),
        *(("robustness.attack@1", {"recipe": recipe, "examples": 100, "query_budget": 300}) for recipe in _ATTACKS[:2]),
        *(("robustness.attack@1", {"recipe": recipe, "examples": 30, "query_budget": 300}) for recipe in _ATTACKS[2:]),
        (BEHAVIOURS, {"examples": 400}),
        ("robustness.noise@1", {"examples": 400}),
        ("robustness.input_reduction@1", {}),
        ("explanations.attribution@1", {"examples": 40}),
        # Half a minute for each text, by SHAP, LIME and two kinds of removal; ten are the fewest that can be resampled.
        (
            "explanations.quality@1",
            {"examples": 10, "removals": ("deletion", "mask"), "methods": (*_METHODS, "lime@1")},
        ),
        (SANITY, {"methods": _CHEAP, "examples": 10, "draws": 5, "stages": 2}),
        # What SHAP and LIME owe to chance, which takes several explanations of each text, is for the full profile.
        ("explanations.stability@1", {"methods": _CHEAP, "examples": 10}),
        ("explanations.overview@1", {"examples": 60}),
        ("explanations.cost@1", {"methods": (*_METHODS, "lime@1")}),
        ("performance.cost@1", {"calls": 400}),
    ),
    "full": (
        ("performance.classification@1", {"replicates": 10_000}),
        ("performance.calibration@1", {"replicates": 10_000}),
        ("performance.slices@1", {}),
        ("fairness.groups@1", {"replicates": 10_000}),
        ("fairness.permutation@1", {"permutations": 10_000}),
        ("fairness.background@1", {"replicates": 10_000}),
        ("fairness.calibration@1", {"replicates": 10_000}),
        (COUNTERFACTUAL, {"examples": 1000}),
        ("privacy.statement@1", {}),
        ("privacy.one_run@1", {}),
        ("privacy.exposure@1", {}),
        (UTILITY_COST, {}),
        ("privacy.blind@1", {"replicates": 10_000}),
        ("privacy.membership@1", {"replicates": 10_000}),
        ("robustness.attack@1", {"examples": 1000}),
        *(("robustness.attack@1", {"recipe": recipe, "examples": 200, "query_budget": 2000}) for recipe in _ATTACKS),
        (BEHAVIOURS, {"examples": 1000}),
        ("robustness.noise@1", {"examples": 1000, "doses": (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)}),
        ("robustness.input_reduction@1", {"examples": 200}),
        # 550 masked copies of each text, so 55,000 passes: ten to twenty minutes on those two cores.
        ("robustness.certified@1", {"examples": 100}),
        ("explanations.attribution@1", {"examples": 100}),
        (
            "explanations.quality@1",
            {
                "examples": 100,
                "removals": ("deletion", "mask"),
                "methods": _ALL,
            },
        ),
        # Adaptive LIME is LIME with up to eight times its samples, on every network: hours, for the same answer.
        (
            SANITY,
            {
                "methods": (*_METHODS, "gradient_shap@1", "shap_kernel@1", "lime@1"),
                "examples": 20,
                "draws": 5,
                "stages": 3,
            },
        ),
        ("explanations.stability@1", {"methods": _ALL, "examples": 20}),
        ("explanations.overview@1", {"examples": 500}),
        ("explanations.cost@1", {"methods": _ALL}),
        ("performance.cost@1", {"calls": 1000}),
    ),
}


def profile(
    name: str,
    *,
    label_randomised: str | None = None,
    behaviours: Sequence[str] = (),
    lexicons: Sequence[str] = (),
    twin: str | None = None,
) -> tuple[WholeProbe | ItemProbe, ...]:
    """Return the probes of the profile `name`, in the order they run.

    Args:
        name: of the profile.
        label_randomised: folder of a model trained on random labels, for the sanity check of the explanations.
        behaviours: suites of behavioural tests to run after the profile's own.
        lexicons: of identity terms, in place of the shipped one; none for that.
        twin: folder of a model trained without privacy, for what privacy costs.

    Raises:
        NotFound: there is no such profile, suite or lexicon.
        BadInput: a file cannot be read.
        Misconfigured: a suite or lexicon makes no sense, or two have the same name.
    """
    if name not in PROFILES:
        raise NotFound.among("profile", name, PROFILES)
    _register_all()
    more = {} if label_randomised is None else {SANITY: {"label_randomised": label_randomised}}
    if twin is not None:
        more[UTILITY_COST] = {"twin": twin}
    several: dict[str, list[dict[str, Any]]] = {BEHAVIOURS: [{}, *({"suite": one} for one in behaviours)]}
    if lexicons:
        several[COUNTERFACTUAL] = [{"lexicon": one} for one in lexicons]
    wanted = [
        (probe, {**params, **more.get(probe, {}), **one})
        for probe, params in PROFILES[name]
        for one in several.get(probe, [{}])
    ]
    made = tuple(probes[probe](**params) for probe, params in wanted)
    _require_told_apart("--behaviours: two suites", [probe.suite for probe in made if probe.name == BEHAVIOURS])
    _require_told_apart("--lexicon: two lexicons", [probe.lexicon for probe in made if probe.name == COUNTERFACTUAL])
    return made


def _require_told_apart(what: str, names: Sequence[str]) -> None:
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise Misconfigured(
            f"{what} are called {twice[0]!r}, so nothing would tell their figures apart; leave one out, or give it "
            'another name: name = "…" at the top of its file'
        )


def with_attack(chosen: Sequence[WholeProbe | ItemProbe], recipe: str) -> tuple[WholeProbe | ItemProbe, ...]:
    """Return `chosen` with an attack by `recipe` of the size of their first one, unless they attack with it anyway."""
    from workbench.audit.robustness.attack import AttackProbe

    own = [(i, probe) for i, probe in enumerate(chosen) if isinstance(probe, AttackProbe)]
    if recipe in {probe.recipe for _, probe in own}:
        return tuple(chosen)
    after = own[-1][0] + 1
    return (*chosen[:after], replace(own[0][1], recipe=recipe), *chosen[after:])


def gains_from_twin(probes: Sequence[WholeProbe | ItemProbe]) -> bool:
    """Return whether any of `probes` searches so much that a faster twin saves time."""
    return any(getattr(probe, "examples", 0) >= TWIN_FROM for probe in probes if isinstance(probe, RepeatingProbe))


def search_probe() -> WholeProbe:
    """Return the probe that compares the twin that searches run on with the model."""
    _register_all()
    made: WholeProbe = probes[SEARCH]()
    return made


def _register_all() -> None:
    """Import the modules that register the built-in probes."""
    import workbench.audit.explanations.attribution
    import workbench.audit.explanations.cost
    import workbench.audit.explanations.overview
    import workbench.audit.explanations.quality
    import workbench.audit.explanations.sanity
    import workbench.audit.explanations.stability
    import workbench.audit.fairness.background
    import workbench.audit.fairness.calibration
    import workbench.audit.fairness.counterfactual
    import workbench.audit.fairness.group_tests
    import workbench.audit.fairness.groups
    import workbench.audit.fairness.slices
    import workbench.audit.performance.calibration
    import workbench.audit.performance.classification
    import workbench.audit.performance.cost
    import workbench.audit.performance.search_precision
    import workbench.audit.privacy.blind_probe
    import workbench.audit.privacy.exposure_probe
    import workbench.audit.privacy.membership_probe
    import workbench.audit.privacy.one_run_probe
    import workbench.audit.privacy.statement
    import workbench.audit.privacy.utility_cost
    import workbench.audit.robustness.attack
    import workbench.audit.robustness.behaviours
    import workbench.audit.robustness.certified
    import workbench.audit.robustness.noise
    import workbench.audit.robustness.reduction  # noqa: F401 - imported for what they register

"""Post-processing on real people: the scores of a logistic regression on Adult, levelled by gender."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.adapters.threshold_optimizer import Wanted
from workbench.data.corpus import Corpus, Example
from workbench.data.manifest import carrier_file, manifests
from workbench.errors import WorkbenchError
from workbench.train.mitigation.expected import Part
from workbench.train.mitigation.fitting import Base, Mitigation, mitigate

pytestmark = pytest.mark.slow
NUMBERS = ("age", "educational-num", "capital-gain", "capital-loss", "hours-per-week")
SIZES = {"train": 12_000, "validation": 3_000, "test": 12_000}


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    """Scores of income above 50,000 from five numbers and the marital status; gender itself is not seen."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    manifest = manifests()["adult"]
    try:
        raw = pd.read_parquet(carrier_file(manifest, manifest.files[0]))
    except WorkbenchError as error:
        pytest.skip(f"Adult is not at hand: {error}")
    raw = raw.sample(sum(SIZES.values()), random_state=0).reset_index(drop=True)
    numbers = raw[list(NUMBERS)].astype(float)
    features = np.column_stack([np.log1p(numbers.to_numpy()), raw["marital-status"].eq("Married-civ-spouse")])
    rich = raw["income"].str.contains(">50K").to_numpy()
    learned = slice(0, SIZES["train"])
    scaler = StandardScaler().fit(features[learned])
    model = LogisticRegression(max_iter=500).fit(scaler.transform(features[learned]), rich[learned])
    scores = model.predict_proba(scaler.transform(features))[:, 1]
    found, start = {}, SIZES["train"]
    for name in ("validation", "test"):
        rows = range(start, start + SIZES[name])
        examples = tuple(
            Example(f"{i}", f"{i}", f"person {i}", "high" if rich[i] else "low", {"gender": str(raw["gender"][i])})
            for i in rows
        )
        corpus = Corpus(examples, ("low", "high"), "adult", "UCI", split=name)
        found[name] = Part(corpus, scores[list(rows)], "high", "gender")
        start += SIZES[name]
    return found


@pytest.mark.parametrize(("constraint", "gap"), [("demographic_parity", 0.15), ("equalized_odds", 0.05)])
def test_the_gap_narrows_on_people_whom_the_thresholds_have_not_seen(
    parts: dict[str, Part], constraint: str, gap: float
) -> None:
    base = Base("logistic regression", "0" * 64, private=False)
    card = mitigate(Mitigation("gender", Wanted(constraint)), parts["validation"], parts["test"], base).card
    held = card.held_out
    assert held.gap_before.interval.low > gap
    assert held.narrowed.interval.low > 0
    assert held.gained.interval.high < 0.01, "it does not come for nothing"
    assert held.accuracy_after.value > held.accuracy_before.value - 0.06

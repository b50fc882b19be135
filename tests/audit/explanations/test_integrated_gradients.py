"""The attributor around Captum: what it asks for, what it refuses, what it reports."""

import numpy as np
import pytest

from workbench.audit.explanations.attributor import attributors
from workbench.audit.explanations.integrated_gradients import IntegratedGradients
from workbench.errors import EmptyData, Unsupported
from workbench.models.hugging_face import load_checkpoint
from workbench.models.linear import LinearTextClassifier

TEXT = "i loved this dress and it fits well"


def attribute(model, text=TEXT, method=None, **changes):
    settings = {"gap_bound": 0.02, "seed": 0, **changes}
    return (method or IntegratedGradients()).attribute(model, text, 1, **settings)


def test_a_tighter_bound_costs_more_points_and_all_are_counted(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    loose, tight = attribute(model, gap_bound=0.5), attribute(model, gap_bound=1e-5)
    assert loose.passes == 13
    assert tight.passes in (25, 49, 97, 193)
    assert tight.completeness_gap <= 1e-5
    assert np.corrcoef(loose.scores, tight.scores)[0, 1] > 0.999
    assert tight.tokens == model.encode([TEXT]).tokens[0]
    assert (tight.output, tight.precision) == ("logit", "float32")


def test_scores_add_up_to_what_the_text_changes(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    encoded = model.encode([TEXT])
    ends = [
        float(model.logits_from(model.embed(ids), encoded.attention_mask)[0, 1])
        for ids in (encoded.input_ids, model.baseline_ids(encoded))
    ]
    found = attribute(model, gap_bound=1e-4)
    assert found.scores.sum() == pytest.approx(ends[0] - ends[1], rel=2e-4)


@pytest.mark.parametrize("name", ["integrated_gradients_mask", "integrated_gradients_zero"])
def test_each_baseline_is_a_method_whose_scores_add_up_from_there(name, tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    encoded = model.encode([TEXT])
    ids, special = encoded.input_ids, encoded.special
    start = model.embed(ids) * special[..., None]
    if name.endswith("mask"):
        start = model.embed(ids.where(special, model.mask_id))
    ends = [float(model.logits_from(one, encoded.attention_mask)[0, 1]) for one in (model.embed(ids), start)]
    found, usual = attribute(model, method=attributors[name](), gap_bound=1e-4), attribute(model)
    assert found.scores.sum() == pytest.approx(ends[0] - ends[1], rel=2e-4)
    assert np.abs(found.scores - usual.scores).max() > 1e-3 * np.abs(usual.scores).max()
    assert found.baseline != usual.baseline


def test_a_fixed_number_of_steps_is_kept_whatever_the_gap(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    found = attribute(model, method=IntegratedGradients(steps=5, max_steps=5), gap_bound=1e-12)
    assert found.passes == 5 + 2
    assert found.completeness_gap > 1e-12


def test_batch_size_changes_nothing(tiny_checkpoint):
    model = load_checkpoint(tiny_checkpoint, device="cpu")
    one, many = attribute(model, method=IntegratedGradients(batch=1)), attribute(model)
    np.testing.assert_allclose(one.scores, many.scores, atol=1e-5)


def test_refuses_what_has_no_gradients_or_no_tokens(tiny_checkpoint):
    with pytest.raises(Unsupported, match="gradients"):
        attribute(LinearTextClassifier.binary({"good": 1.0}))
    with pytest.raises(EmptyData, match="nothing to explain"):
        attribute(load_checkpoint(tiny_checkpoint, device="cpu"), text="  ")

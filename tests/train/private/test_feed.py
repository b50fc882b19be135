"""Texts through the whole network, or features through its head: the same gradients."""

import pytest
import torch

from workbench.train.adapter import LastLayers, adapt
from workbench.train.private.clipping import Bookkeeper
from workbench.train.private.feed import FeatureFeed, TextFeed, head_of
from workbench.train.private.feeds import feed_for


@pytest.fixture
def head_only(shop):
    adapt(shop.network, LastLayers(kind="last_layers", layers=0))
    shop.network.bert.pooler.requires_grad_(False)
    return shop


def test_features_give_the_head_the_gradients_that_texts_give_it(head_only, toy):
    texts, cached = TextFeed(head_only, toy), feed_for(head_only, toy)
    assert isinstance(cached, FeatureFeed)
    rewritings = {1: ("the dress was bad", "bad bad dress"), 3: ("good",)}
    found = []
    for feed in (texts, cached):
        rows = [row for i in range(6) for row in feed.rows(i, rewritings.get(i, ()), share=1.0)]
        assert len(rows) == 9
        assert sum(row.share for row in rows) == pytest.approx(6)
        sums = {}
        norms = Bookkeeper(head_only.network).add(feed.ready(rows), rows=1, bound=0.3, sums=sums)
        found.append((norms, sums))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-4, atol=1e-6)
    assert len(found[0][1]) == 2
    for parameter, total in found[0][1].items():
        torch.testing.assert_close(found[1][1][parameter], total, rtol=1e-4, atol=1e-6)


def test_features_of_a_rewriting_are_computed_once(head_only, toy, monkeypatch):
    feed = feed_for(head_only, toy)
    first = feed.rows(0, ("good dress",), share=1.0)
    monkeypatch.setattr("workbench.train.private.feed.features", None)
    assert feed.rows(0, ("good dress",), share=1.0) == first


def test_made_up_rows_come_from_no_example(head_only, toy):
    feed = feed_for(head_only, toy)
    rows = feed.made_up(3, share=2.0, seed=1)
    assert {row.ids[0] for row in rows}.isdisjoint(range(len(toy)))
    assert torch.isfinite(feed.ready(rows)()).all()


def test_more_than_a_head_is_fed_texts(shop, toy):
    assert head_of(shop.network) is None
    assert isinstance(feed_for(shop, toy), TextFeed)
    adapt(shop.network, LastLayers(kind="last_layers", layers=0))
    assert head_of(shop.network) is None, "the pooler is trained, too"

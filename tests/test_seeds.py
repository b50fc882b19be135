from __future__ import annotations

from workbench.seeds import Streams


def test_streams_are_named_not_numbered() -> None:
    assert Streams(1).stream("attack", "e1").random() == Streams(1).stream("attack", "e1").random()
    draws = {
        Streams(root).stream(*name).random()
        for root in (1, 2)
        for name in (("attack", "e1"), ("attack", "e2"), ("attacke", "1"), ("attack",), ("attack", "e1", ""))
    }
    assert len(draws) == 10


def test_surrogates_in_ids_do_not_crash() -> None:
    assert Streams(0).seed("\ud800") != Streams(0).seed("\ud801")

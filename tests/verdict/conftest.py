"""A small record to judge, and measurements to put into it."""

import pytest

from workbench.evidence.cards import CorpusCard, ModelCard, PrivacyCard, TrainingCard
from workbench.evidence.decision import Decision
from workbench.evidence.exhibits import Note
from workbench.evidence.measurement import Interval, Measurement
from workbench.evidence.record import AuditRecord, AuditSettings, Environment, Evidence, Measured


@pytest.fixture(scope="session")
def measurement():
    def make(name, value, low=None, high=None, n=1000, *, unit="proportion", **where):
        interval = None if low is None else Interval(low=low, high=high, method="Wilson")
        return Measurement(name=name, value=value, unit=unit, better="higher", n=n, interval=interval, where=where)

    return make


@pytest.fixture(scope="session")
def evidence():
    def make(probe, *measurements, result=None, notes=(), **params):
        held = result or Measured(measurements=measurements, exhibits=tuple(Note(text=note) for note in notes))
        return Evidence(probe=probe, params=params, seed=0, seconds=1.0, result=held)

    return make


@pytest.fixture(scope="session")
def private_card(record):
    """A training card that claims privacy, of a run whose members coins have drawn."""
    return TrainingCard(
        recipe={"experiment": True}, corpus=record().corpus,
        fingerprints=None, curve=(), best_step=1, steps=1, stopped="done",
        class_weights=None, validation_report="", test_report="", device="cpu", processes=1, precision="float32",
        seconds=1.0, date="2026-11-26", code="0", versions={},
        privacy=PrivacyCard(
            epsilon=1.84, delta=1e-5, unit="example", units=10_000, neighbours="add or remove one", sampling="Poisson",
            sample_rate=0.01, units_public=True, batch=100, noise_multiplier=1.0, max_grad_norm=1.0, steps=1_000,
            clipping="bookkeeping", noise="os.urandom", accountants=(), trainable=770, runs=1, checks=(),
            not_covered=(),
        ),
    )  # fmt: skip


@pytest.fixture(scope="session")
def record():
    def make(*evidence, groups=None):
        return AuditRecord(
            model=ModelCard(
                name="m",
                digest="0" * 64,
                files={},
                architecture="Linear",
                base=None,
                task="text-classification",
                labels=("no", "yes"),
                max_length=None,
                parameters=2,
                bytes=8,
            ),
            training=None,
            corpus=CorpusCard(
                name="c",
                digest="1" * 64,
                source="here",
                licence="CC0-1.0",
                split="all",
                n=1000,
                people=1000,
                labels={"no": 500, "yes": 500},
                groups=groups or {},
            ),
            environment=Environment(
                python="3.11", platform="Linux", device="cpu", processor="x", threads=1, versions={}, code="0.1.0"
            ),
            audit=AuditSettings(
                seed=0,
                profile="quick",
                split="all",
                limit=None,
                decision=Decision(),
                positive_label="yes",
                label_map={},
                precision="float32",
                policy="p",
                policy_digest="2" * 64,
                date="2026-01-01T00:00:00+00:00",
                ledger_count=1,
            ),
            evidence=evidence,
        )

    return make

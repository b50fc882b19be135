"""The golden record: built by hand, with every kind of evidence and texts that try to break the page."""

import importlib.util
from pathlib import Path

import pytest

from workbench.verdict.judge import judge

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="session")
def golden_record():
    spec = importlib.util.spec_from_file_location("golden_record", GOLDEN / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def rich(golden_record):
    record = golden_record.rich()
    return record.model_copy(update={"findings": judge(record, golden_record.POLICY)})

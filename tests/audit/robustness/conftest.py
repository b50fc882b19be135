import os

import pytest

from workbench.adapters.textattack import require_textattack
from workbench.errors import MissingResource


@pytest.fixture(scope="session")
def textattack():
    """The module textattack, or the test is not run (a failure where nothing may be missing)."""
    try:
        require_textattack()
    except MissingResource as error:
        if os.environ.get("WORKBENCH_REQUIRE_ALL", "0") not in ("", "0"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    import textattack

    return textattack

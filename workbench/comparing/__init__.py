"""Two or more audits of the same data side by side: what changed, pair by pair where each example's outcome is known.

Changes of accuracy, ROC-AUC, gaps between groups and accuracy under attack are paired: most examples end alike for both
models, and only those that do not say anything, so a paired interval is much narrower than the difference of two
separate ones. All paired changes of one comparison hold together at 95% (Bonferroni). Every other measurement is shown
with its own two intervals, and told apart only where these do not meet, which is stricter than a test of the
difference. What was measured in another way (an attack with more queries) is not compared, and that is said.

    models       compare: reads the records, draws the changes, judges each
    pairs        quantities with an outcome for each example
    decided      these outcomes, as they lie beside a record
    missing      what could not be compared, and why
    changes      what comes of it
"""

from workbench.comparing.changes import Change, Comparison, Failing, Side
from workbench.comparing.models import compare, incomparable

__all__ = ["Change", "Comparison", "Failing", "Side", "compare", "incomparable"]

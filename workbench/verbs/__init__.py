"""The verbs: what people call. Each composes the rooms below; none has an algorithm of its own.

Heavy modules are imported inside the verbs, so that `render` and `judge` work on a machine without torch.
"""

from workbench.verbs.asking import attack, explain, explore, regress
from workbench.verbs.auditing import audit
from workbench.verbs.judging import compare, judge, render
from workbench.verbs.loading import group_aware, load, smoothed
from workbench.verbs.mitigating import mitigate
from workbench.verbs.training import references, train

__all__ = [
    "attack",
    "audit",
    "compare",
    "explain",
    "explore",
    "group_aware",
    "judge",
    "load",
    "mitigate",
    "references",
    "regress",
    "render",
    "smoothed",
    "train",
]

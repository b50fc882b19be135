"""The one place where an audit's forward passes happen.

Whoever asks, in however many threads: each distinct text is computed once, in full batches, in the shape that its own
length has, so its answer is the same bit for bit whatever else was asked, in whatever order.

    engine       what probes see: a classifier, and a view of it for each work item
    dispatcher   the threads that compute
    waiting      the queue: fair, full batches first
    lanes        what one batch is: probabilities, gradients, or a whole model's own call
    memory       answers by content hash
    threads      how many threads, on how many cores
"""

from workbench.models.engine.dispatcher import Cancelled, OutOfRoom
from workbench.models.engine.engine import Counts, Engine, OnProgress, engine_for
from workbench.models.engine.lanes import Totals

__all__ = ["Cancelled", "Counts", "Engine", "OnProgress", "OutOfRoom", "Totals", "engine_for"]

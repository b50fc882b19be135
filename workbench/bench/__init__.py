"""The benchmark: the libraries as their documentation shows them against the workbench, side by side in one process.

`python -m workbench.bench` writes a table, reports/benchmarks.json and reports/benchmarks.html.

- targets: what is promised
- inputs: the model and the held-out texts, the same for both sides
- stock: the libraries, untouched
- meter: the workbench, an engine with many work items in flight, and what it spent
- attack, explainers, gradients, predictions: the works
- timing, compare: stock, ours, stock, ours, …
- flops, gemm, roofline, growth: how near to the machine's limit, and how cost and memory grow
- settings, run: what to measure, and all of it in order
- results: what is stored
- wording, table, chart, page: what is shown
"""

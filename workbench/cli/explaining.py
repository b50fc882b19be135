"""The command that explains a decision."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench import terminal
from workbench.cli.options import HtmlFile, ModelArgument, Online, Target, Versus, network, option
from workbench.cli.root import app

METHODS = (
    "integrated_gradients (default), integrated_gradients_mask, integrated_gradients_zero, gradient_shap, "
    "input_x_gradient, input_x_gradient_l2, saliency, shap_partition, shap_kernel, lime, lime_adaptive, occlusion, "
    "attention_rollout or random; repeatable."
)


@app.command(
    epilog='[bold]Examples[/]\n\n  workbench explain runs/base "Lovely fabric, but it runs small"\n\n'
    '  workbench explain runs/base "Lovely fabric" --target "not recommended" --html why.html\n\n'
    '  workbench explain runs/base "Lovely fabric" --method lime --method occlusion',
)
def explain(
    model: ModelArgument,
    text: Annotated[str, typer.Argument(help="The text to explain.")],
    target: Target = None,
    versus: Versus = None,
    method: Annotated[list[str] | None, option("--method", METHODS)] = None,
    html: HtmlFile = None,
    online: Online = False,
) -> None:
    """Show which words of a text moved the model's decision, by one method or several side by side."""
    network(online)
    from workbench import verbs

    methods = method or ["integrated_gradients"]
    explanation = verbs.explain(model, text, methods=methods, target=target, versus=versus, online=online)
    for scores in explanation:
        terminal.print_explanation(scores)
    for quality in explanation.quality:
        terminal.print_quality(quality)
    if html is not None:
        explanation.save(html)
        terminal.print_file("Page", html)

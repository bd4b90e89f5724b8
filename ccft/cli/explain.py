"""`ccft explain`: one figure back to meters and factors."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ccft.cli.common import ConfigOption, JsonOption, LakeOption, MethodologyOption, check_periods, settings_of

_LOG_WIDTH = 240
"""Columns where there is no terminal to ask."""


def explain(
    account: Annotated[str, typer.Argument(help="Account, 12 digits.")],
    period: Annotated[str, typer.Option(help="Month YYYY-MM.")],
    service: Annotated[str | None, typer.Option(help="Service or product code; default: all.")] = None,
    region: Annotated[str | None, typer.Option(help="Region code or cluster; default: all.")] = None,
    measure: Annotated[str, typer.Option(help="A measure or a total, e.g. scope_2_lbm, total_mbm.")] = "total_lbm",
    methodology: MethodologyOption = None,
    customer: Annotated[
        bool, typer.Option("--customer", help="Without pools: nothing of other customers can be computed from it.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page that opens offline to this file.")] = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a figure: account, service pools, origin services, rack types, cluster, activity and factors."""
    from rich.console import Console

    from ccft.pipeline.explain import Question
    from ccft.pipeline.explain import explain as run_explain
    from ccft.publish.explanation_page import page, show

    root = settings_of(lake, config).lake.rstrip("/")
    [month] = check_periods([period])
    question = Question(account, month, measure, service, region, methodology)
    explanation = run_explain(root, question, for_customer=customer).plain()
    if html is not None:
        html.write_text(page(explanation), encoding="utf-8")
    if as_json:
        print(json.dumps(explanation))
    elif html is not None:
        print(html)
    else:
        show(explanation, Console(width=None if sys.stdout.isatty() else _LOG_WIDTH))

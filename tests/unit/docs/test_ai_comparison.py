"""Examples of the page on comparing AI models: what it prints is what the product prints."""

import duckdb
import pytest

from ccft.ai import grades
from ccft.ai.derive import derive
from ccft.ai.kpis import AI_VIEW_SQL
from ccft.ai.label_document import document, svg
from ccft.ai.labels import plain
from ccft.ai.recommendations import KINDS
from ccft.cli import main
from ccft.kernel.quotients import half_up
from tests.unit.ai.published_example import published_tables
from tests.unit.ai.published_lake import MONTHS, publish
from tests.unit.ai.worked_example import FACTS, MEASURES
from tests.unit.docs.pages import DOCS, blocks

PAGE = (DOCS / "ai-comparison.md").read_text(encoding="utf-8")


def _table(first: str) -> list[list[str]]:
    """Cells of the table whose head begins with a cell."""
    lines = iter(PAGE.splitlines())
    next(line for line in lines if line.startswith(f"| {first} |"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def _printed(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["ai", *words])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_printed_examples(capsys, tmp_path) -> None:
    lake = publish(tmp_path)
    card = _printed(capsys, "disclose", "--model", "chat-70b", "--lake", lake)
    assert card == blocks(PAGE, "yaml")["model-card"]
    assert blocks(PAGE, "text")["actions"] in _printed(capsys, "actions", "--model", "chat-70b", "--lake", lake)


def test_bounds_of_the_label() -> None:
    bounds = zip(grades.ENERGY_BOUNDS, grades.CARBON_BOUNDS, strict=True)
    expected = [[name, plain(energy), plain(carbon)] for (name, energy), (_, carbon) in bounds]
    assert _table("grade") == [*expected, ["G", "above", "above"]]
    assert f"version `{grades.THRESHOLDS_VERSION}`" in PAGE


def test_actions_are_the_product_s() -> None:
    named = [kind.name for kind in KINDS if kind.apply is not None]
    assert all(f"| {rank} | `{name}`" in PAGE for rank, name in enumerate(named, start=1))


def test_intensities_of_the_worked_example() -> None:
    rows = {
        (row["subject_id"], row["view"]): row
        for row in derive(FACTS)["ai_intensity"]
        if (row["subject_kind"], row["accounting_method"]) == ("deployment", "lbm")
    }
    lines = [
        ("g CO2e per 1,000 output tokens, consumer", "consumer", "g_per_1k_out_tokens", 5),
        ("the same, lifecycle", "lifecycle", "g_per_1k_out_tokens", 5),
        ("facility Wh per 1,000 output tokens", "consumer", "wh_per_1k_out_tokens", 4),
    ]
    for title, view, column, places in lines:
        figures = [f"{half_up(rows[name, view][column], places)}" for name in ("d1", "d2")]
        assert f"| {title} | {' | '.join(figures)} |" in PAGE


def test_key_figures() -> None:
    with duckdb.connect() as database:
        for name, rows in published_tables(MONTHS).items():
            database.register(name, rows)
        for name, sql in AI_VIEW_SQL.items():
            database.execute(f"CREATE VIEW {name} AS {sql}")
        found = database.execute(blocks(PAGE, "sql")["kpis"]).fetchall()
    assert [[str(cell) for cell in row] for row in found] == _table("usage_period")


def test_picture_is_the_label_of_the_example() -> None:
    stamp = {"usage_period": "2025-01", "methodology_version": "v3.0", "run_id": "ai-1"}
    rows = [{**row, **stamp} for row in derive(FACTS)["ai_labels"] if row["model_id"] == "chat-70b"]
    assert (DOCS / "images" / "ai-label.svg").read_text(encoding="utf-8") == svg(
        document(rows, ", ".join(MEASURES))
    ) + "\n"


def test_estimate() -> None:
    exec(blocks(PAGE, "python")["ecologits"], {})  # noqa: S102 - the page's own example

"""`ccft report` over a small lake on disk, without a JVM: which rows a page is made of, what replaced what, how the file is written."""

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from deltalake import DeltaTable, write_deltalake

from ccft.cli import main
from ccft.pipeline import report as pipeline
from ccft.publish.report.wording import kilograms
from ccft.schema.arrow import arrow_schema
from ccft.schema.tables import RESULTS, table
from tests.unit.publish.report.world import OTHER, PAYER, World

MONTH = "2025-06"
REASON = f"meter of {OTHER} read twice"


def world(kilograms_of_payer: str) -> World:
    found = World()
    found.row(MONTH, PAYER, PAYER, {"scope_1": kilograms_of_payer})
    found.row(MONTH, OTHER, OTHER, {"scope_1": "7"})
    return found.finish()


def write(root, name, rows, mode="overwrite"):
    write_deltalake(f"{root}/{name}", rows.cast(arrow_schema(table(name))), mode=mode)


def log_line(run, day, version):
    return dict.fromkeys(table("run_log").column_names, "") | {
        "run_id": run,
        "usage_period": MONTH,
        "methodology_version": "v2.0",
        "status": "published",
        "started_at": datetime(2026, 1, day, tzinfo=UTC),
        "finished_at": datetime(2026, 1, day, 12, tzinfo=UTC),
        "table_versions": json.dumps({result.name: version for result in RESULTS}),
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A month published twice: first 5 kg for the payer, then, restated, 6."""
    import pyarrow as pa

    root = tmp_path_factory.mktemp("lake")
    for mass in ("5", "6.000000001"):
        made = world(mass)
        for name in (*(result.name for result in RESULTS), "core_rack_usage"):
            columns = ", ".join(table(name).column_names)
            rows = made.database.sql(f"SELECT {columns} FROM {name}").to_arrow_table()
            write(root, name, rows)
    write(
        root,
        "run_log",
        pa.Table.from_pylist([log_line("run-a", 1, 0), log_line("run-b", 2, 1)], schema=arrow_schema(table("run_log"))),
    )
    restated = dict.fromkeys(table("restatements").column_names, "") | {
        "run_id": "run-b", "old_run_id": "run-a", "reason": REASON, "usage_period": MONTH, "measure": "scope_1",
        "old_kg": Decimal(12), "new_kg": Decimal(13), "restated_at": datetime(2026, 1, 2, tzinfo=UTC),
    }  # fmt: skip
    write(root, "restatements", pa.Table.from_pylist([restated], schema=arrow_schema(table("restatements"))))
    return root


@pytest.fixture
def lake(published, tmp_path):
    """A copy that a test may harm."""
    return shutil.copytree(published, tmp_path / "lake")


def ccft(*arguments):
    """Exit code of a command."""
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in arguments])
    return stopped.value.code


def test_page_of_the_provider(published, tmp_path, capsys):
    assert ccft("report", "--lake", published, "--out", tmp_path / "new" / "folder", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    page = (tmp_path / "new" / "folder" / "carbon-report.html").read_text(encoding="utf-8")
    assert done == {
        "path": str(tmp_path / "new" / "folder" / "carbon-report.html"), "payer_account_id": "", "periods": [MONTH],
        "size": len(page.encode()),
    }  # fmt: skip
    assert REASON in page
    for cells in (("12.000", "000000"), ("13.000", "000001"), ("1.000", "000001")):
        assert f'{cells[0]}<span class="micro">{cells[1]}</span>' in page
    assert "Where it flows" in page
    assert "ai-models" not in page
    assert "chart-flow" in page


def test_page_of_a_payer(published, tmp_path):
    result = pipeline.report(str(published), tmp_path, PAYER)
    page = (tmp_path / f"carbon-report-{PAYER}.html").read_text(encoding="utf-8")
    assert result.payer_account_id == PAYER
    assert kilograms(Decimal("6.000000001")).replace("000001", "") in page
    assert "restated in v2.0" in page
    assert OTHER not in page
    assert "13.000" not in page
    assert "read twice" not in page


def test_earlier_rows_that_are_gone(lake, tmp_path):
    for file in DeltaTable(str(lake / "account_emissions"), version=0).file_uris():
        (lake / "account_emissions" / file.rpartition("/")[2]).unlink()
    pipeline.report(str(lake), tmp_path)
    assert "no longer kept" in (tmp_path / "carbon-report.html").read_text(encoding="utf-8")


def test_never_restated_and_without_rack_usage(lake, tmp_path):
    shutil.rmtree(lake / "restatements")
    shutil.rmtree(lake / "core_rack_usage")
    pipeline.report(str(lake), tmp_path)
    page = (tmp_path / "carbon-report.html").read_text(encoding="utf-8")
    assert "the usage of racks is not in this lake" in page
    assert "restated in v2.0" in page


@pytest.mark.parametrize(
    "payer", ["", "42", "../../etc/passwd", "%", "0000000000_2", "' OR 1=1 --", "٠٠٠٠٠٠٠٠٠٠٤٢", "000000000099"]
)
def test_who_is_nobody_gets_no_page(published, tmp_path, capsys, payer):
    assert ccft("report", "--lake", published, "--out", tmp_path, f"--payer={payer}") == 2
    assert "CCFT-USAGE-UNKNOWN-PAYER" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_lake(tmp_path, capsys):
    assert ccft("report", "--lake", tmp_path / "none", "--out", tmp_path / "out") == 2
    assert "CCFT-USAGE-NO-LAKE" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_old_page_stays_when_the_new_one_fails(published, tmp_path, monkeypatch):
    page = tmp_path / "carbon-report.html"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(pipeline.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        pipeline.report(str(published), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["carbon-report.html"]
    assert page.read_text(encoding="utf-8") == "old"

"""The page on exports: its script verifies real deliveries and catches what is wrong with others, its queries and columns exist."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from ccft.lake.destination import Destination
from ccft.publish.data_exports.profiles import COLUMNS, definition_of
from tests.unit.docs.pages import DOCS, blocks
from tests.unit.publish.data_exports.deliveries import ROWS, deliver_rows
from tests.unit.publish.data_exports.sample import PAYER, SLICE

PAGE = (DOCS / "exports.md").read_text(encoding="utf-8")


def verify(folder):
    script = blocks(PAGE, "python")["file=verify_export.py"]
    return subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "options", [{}, {"form": "csv"}, {"profile": "google"}, {"profile": "focus"}, {"mode": "create-new"}]
)
def test_the_script_verifies_a_delivery(options, tmp_path):
    destination = Destination(str(tmp_path))
    deliver_rows(destination, [ROWS], **options)
    deliver_rows(destination, [], item=replace(SLICE, period="2025-02"), **options)
    found = verify(tmp_path / PAYER / "carbon")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines() == ["2025-01 v3.0 3 rows, verified", "2025-02 v3.0 0 rows, verified"]


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: b"x" + text[1:]])
def test_the_script_notices_a_changed_file(change, tmp_path):
    deliver_rows(Destination(str(tmp_path)), [ROWS])
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(change(file.read_bytes()))
    assert verify(tmp_path / PAYER / "carbon").returncode == 1


def test_the_script_notices_a_wrong_total(tmp_path):
    deliver_rows(Destination(str(tmp_path)), [ROWS])
    (manifest,) = tmp_path.rglob("*-Manifest.json")
    manifest.write_text(manifest.read_text().replace('"delivered": "0.001001"', '"delivered": "0.001002"'))
    assert verify(tmp_path / PAYER / "carbon").returncode == 1


def test_queries_of_the_page_are_accepted_and_all_columns_are_explained():
    queries = re.findall(r'--query "([^"]+)"', PAGE)
    assert queries
    for query in queries:
        assert definition_of("carbon", query=query)[1].outputs
    for column in COLUMNS:
        assert f"`{column.name}`" in PAGE or column.name.endswith("_unit")

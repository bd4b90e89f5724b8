"""Which JVM a command starts: one that starts fast for small work, one that gets fast for large."""

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyarrow.parquet import write_table

from ccft.cli import runs
from ccft.config import Settings
from ccft.lake.inputs import approximate_rows
from ccft.methodology.model import methodology

V2, V3 = methodology("v2.0"), methodology("v3.0")


@pytest.fixture
def lake(tmp_path) -> str:
    rows = {"usage_period": ["2025-05", "2025-05", "2025-06"], "account_count": [1_000_000, 500_000, 10]}
    write_deltalake(f"{tmp_path}/core_usage_classes", pa.table(rows), partition_by=["usage_period"])
    return str(tmp_path)


def test_account_rows_count_once_per_version(lake):
    assert runs._account_rows(lake, [("2025-06", V2)]) == 10
    assert runs._account_rows(lake, [("2025-05", V2), ("2025-05", V3), ("2025-06", V3)]) == 3_000_010


def test_what_is_not_known_without_a_jvm_counts_as_small(tmp_path):
    assert runs._account_rows(str(tmp_path), [("2025-06", V2)]) == 0
    assert runs._account_rows("s3a://bucket/lake", [("2025-06", V2)]) == 0


@pytest.mark.parametrize(
    ("wanted", "quick"),
    [
        ([("2025-05", V2)], True),
        ([("2025-05", V2), ("2025-05", V3)], False),
        ([("2025-06", V2)] * (runs.QUICK_UP_TO + 1), False),
    ],
)
def test_a_run_starts_fast_where_little_is_to_do(lake, monkeypatch, wanted, quick):
    class OpenedError(Exception):
        pass

    def opened(settings, name, *, quick):
        raise OpenedError(quick)

    monkeypatch.setattr(runs, "open_lake", opened)
    with pytest.raises(OpenedError) as caught:
        runs._publish(Settings(lake=lake), wanted, "", lambda _line: None)
    assert caught.value.args == (quick,)


def test_rows_of_a_delivery_are_counted_or_guessed_without_reading_them(tmp_path):
    (tmp_path / "account_usage").mkdir()
    write_table(pa.table({"units": range(1_000)}), tmp_path / "account_usage" / "part.parquet")
    (tmp_path / "account_usage" / "broken.parquet").write_bytes(b"no footer")
    (tmp_path / "racks.csv").write_bytes(b"x" * 500)
    assert approximate_rows(str(tmp_path)) == 1_010
    assert approximate_rows(str(tmp_path / "absent")) == 0
    assert approximate_rows("s3a://bucket/inputs") is None

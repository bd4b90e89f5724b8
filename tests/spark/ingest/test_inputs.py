"""Finding and reading deliveries, whatever their layout."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccft.errors import CcftError
from ccft.lake.inputs import MALFORMED, read_inputs
from ccft.schema.tables import table

pytestmark = pytest.mark.spark

SERVICES = [table("services")]
HEADER = "service_id,product_code,service_name,is_foundational,usage_unit\n"


def services(spark, folder):
    frames, problems = read_inputs(spark, str(folder), SERVICES)
    assert problems == []
    return frames["services"]


def test_csv_is_text_with_rfc_4180_quotes(spark, tmp_path):
    text = HEADER + '007,"a, b","say ""hi""",true,"two\nlines"\r\n008,,"",FALSE,\\\n'
    (tmp_path / "services.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    frame = services(spark, tmp_path)
    assert {kind for _, kind in frame.dtypes} == {"string"}
    assert sorted(tuple(row) for row in frame.collect()) == [
        ("007", "a, b", 'say "hi"', "true", "two\nlines", None),
        ("008", None, None, "FALSE", "\\", None),
    ]


def test_lines_with_other_numbers_of_fields_are_marked(spark, tmp_path):
    (tmp_path / "services.csv").write_text(HEADER + "a,b,c,true,d\na,b,c\na,b,c,true,d,e\n")
    marked = [row[MALFORMED] for row in services(spark, tmp_path).collect()]
    assert marked == [None, "a,b,c", "a,b,c,true,d,e"]


def test_partition_values_are_text(spark, tmp_path):
    folder = tmp_path / "services" / "usage_unit=007"
    folder.mkdir(parents=True)
    with gzip.open(folder / "part.csv.gz", "wt") as file:
        file.write("service_id,product_code,service_name,is_foundational\na,b,c,true\n")
    row = services(spark, tmp_path).collect()[0]
    assert (row["usage_unit"], row["service_id"]) == ("007", "a")


def test_folders_that_are_no_partitions_are_not_passed_over(spark, tmp_path):
    for name in ("2025/03", "2025/04"):
        (tmp_path / "services" / name).mkdir(parents=True)
        pq.write_table(pa.table({"service_id": [name]}), tmp_path / "services" / name / "x.parquet")
        (tmp_path / "services" / name / "_SUCCESS").touch()
    assert sorted(row[0] for row in services(spark, tmp_path).collect()) == ["2025/03", "2025/04"]


def test_delta_is_read_as_delta(spark, tmp_path):
    path = str(tmp_path / "services")
    spark.createDataFrame([("old",)], "service_id string").write.format("delta").save(path)
    spark.createDataFrame([("new",)], "service_id string").write.format("delta").mode("overwrite").save(path)
    for folder in (str(tmp_path), f"file://{tmp_path}"):
        assert [row[0] for row in services(spark, folder).collect()] == ["new"]


def test_uris_are_listed_by_spark(spark, tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "x.csv").write_text(HEADER + "a,b,c,true,d\n")
    assert services(spark, f"file://{tmp_path}").count() == 1


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_no_such_folder(spark, tmp_path, scheme):
    with pytest.raises(CcftError, match="CCFT-USAGE-NO-INPUTS"):
        read_inputs(spark, f"{scheme}{tmp_path}/nowhere", SERVICES)


def test_what_cannot_be_read_is_named(spark, tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "notes.txt").touch()
    (tmp_path / "racks.parquet").write_text("no parquet")
    frames, problems = read_inputs(spark, str(tmp_path), [table("services"), table("racks"), table("accounts")])
    assert frames == {}
    messages = [problem.message for problem in problems]
    assert (
        messages[0]
        == "services: cannot be read: the directory holds no .csv, .csv.gz or .parquet file and is no Delta table"
    )
    assert messages[1].startswith("racks: cannot be read: ")
    assert messages[2] == "accounts: not in the input folder"
    assert "\n" not in messages[1]

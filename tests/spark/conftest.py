"""A small sound delivery that tests spoil row by row."""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccft.config import Settings
from ccft.errors import CcftError
from ccft.lake.tables import Lake
from ccft.pipeline.ingest import IngestReport, ingest
from ccft.schema.tables import INPUTS, Table, table

SOUND = {
    "clusters": """
        r1|region|eu-1|Europe (One, "Old" Town)|Z1|M1|2020-02-29
        r2|region|eu-2|Europe (Two)|Z2|M1|2024-09-01
        e1|edge|global|Global|Z1|M1|2019-01-01""",
    "activity": """
        2025-03|s1|r1|electricity||1200.5|MWh|metered
        2025-03|s1|r2|electricity||0E-9|MWh|invoiced
        2025-03|s1|e1|electricity||7|MWh|metered
        2025-03|s1|r1|generator_fuel|diesel|12|litre|estimated
        2025-03|s1|r1|natural_gas|gas|3|m3|invoiced
        2025-03|s1|r1|refrigerant|R-134a|1.25|kg|estimated
        2025-04|s1|r1|electricity||1100|MWh|forecast""",
    "emission_factors": """
        fuel_combustion|diesel||2020-01||2.7|kg/litre|book|2020
        fuel_upstream|diesel||2020-01||0.61|kg/litre|book|2020
        fuel_combustion|gas||2020-01||1.9|kg/m3|book|2020
        gwp|R-134a||2020-01||1530|kg/kg|IPCC|2021
        grid_generation|Z1||2024-01|2024-12|301|kg/MWh|grid|2024
        grid_generation|Z1||2025-01||290.123456789|kg/MWh|grid|2025
        grid_generation|Z2||2025-01||0|kg/MWh|grid|2025
        market_generation|M1|residual_mix|2025-01||400|kg/MWh|mix|2025
        carbon_free_share|Z1||2025-01||1|1|grid|2025""",
    "certificates": """
        2025-03|M1|c1|10|0|procured
        2025-03|M1|c2|2.5|18|expected""",
    "racks": """
        k1|r1|C5|false|12.5|100|2024-03-01||9000|72|parts
        k2|r1|C5|false|12.5|100|2024-03-02||9000||
        k3|r2|C5|false|12.5|100|2020-01-01|2025-03-20|9000|72|parts
        k4|e1|CDN|false|2|50|2019-02-01||100|72|parts
        n1|r1|NET|true|1|0|2020-03-01||500|72|parts""",
    "facility_assets": """
        b1|r1|building|1000000|2020-02-29|
        g1|r1|equipment|5000|2020-02-29|180""",
    "services": """
        vm|VM|Virtual machines|true|hours
        db|DB|Databases|false|requests""",
    "accounts": """
        000000000000|2020-01||000000000000|internal|
        000000000001|2020-01||000000000000|internal|vm
        000000000010|2020-01|2025-03|000000000010|external|
        000000000010|2025-04||000000000011|external|
        000000000011|2020-01||000000000011|external|
        000000000012|2025-04||000000000011|affiliate|""",
    "rack_usage": """
        2025-03-01|k1|vm|10.5
        2025-03-02|k1|vm|11
        2025-03-02|k2|vm|12
        2025-03-02|k3|vm|13
        2025-03-02|k3|db|1
        2025-03-31|k4|vm|14
        2025-04-01|k1|vm|15""",
    "account_usage": """
        2025-03-01|000000000010|r1|vm|box|1.000001||
        2025-03-02|000000000010|r1|vm|box|2||
        2025-03-02|000000000010|r1|vm|disk|4|0.5|
        2025-03-31|000000000011|e1|vm|box|0||
        2025-03-05|000000000011|r2|db|calls|100|-3.25|
        2025-03-06|000000000011|r2|db|calls|50|10|
        2025-03-07|000000000001|r1|db|calls|5||1.5
        2025-04-01|000000000010|r1|vm|box|8|1|
        2025-04-30|000000000012|r1|vm|box|9||""",
}
"""Rows of a sound delivery, `|` between the columns of the registry."""


class World:
    """Rows of a delivery as text, to be changed and written."""

    def __init__(self) -> None:
        self.rows = {
            name: [line.strip().split("|") for line in text.strip().splitlines()] for name, text in SOUND.items()
        }
        self.header = {registered.name: list(registered.column_names) for registered in INPUTS}

    def add(self, name: str, *lines: str) -> "World":
        """Add rows, `|` between their columns."""
        for line in lines:
            row = line.strip().split("|")
            assert len(row) == len(self.header[name]), line
            self.rows[name].append(row)
        return self

    def drop(self, name: str, start: str) -> "World":
        """Take out the rows that begin with a text."""
        self.rows[name] = [row for row in self.rows[name] if not "|".join(row).startswith(start)]
        return self

    def csv(self, folder: Path) -> str:
        """Write `<table>.csv` each, `folder` is made."""
        folder.mkdir(parents=True)
        for name, rows in self.rows.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([self.header[name], *rows])
        return str(folder)


@pytest.fixture(scope="session", autouse=True)
def tables_made_once(tmp_path_factory) -> Iterator[None]:
    """Empty tables of further lakes are copies of the first: a commit less, forty times over."""
    templates = tmp_path_factory.mktemp("tables")
    create = Lake._create

    def copied(lake: Lake, registered: Table) -> None:
        template = templates / f"{registered.name}-{lake._history_days}"
        if template.exists():
            shutil.copytree(template, lake.path(registered.name))
            return
        create(lake, registered)
        if lake._is_local:
            shutil.copytree(lake.path(registered.name), template)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Lake, "_create", copied)
        yield


@pytest.fixture
def no_python_on_executors(spark, monkeypatch) -> None:
    """Tasks that need a Python process fail."""
    monkeypatch.setattr(spark.sparkContext, "pythonExec", "/no-such-python")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def take(spark, lake):
    """Ingest a folder into the lake."""

    def run(inputs: str, periods: list[str] | None = None, **settings: object) -> IngestReport:
        return ingest(spark, inputs, lake, Settings(**settings), periods)

    return run


@dataclass(frozen=True)
class Taken:
    """The sound delivery as it was ingested."""

    inputs: str
    root: str
    report: IngestReport


@pytest.fixture(scope="session")
def sound_lake(spark, tmp_path_factory, tables_made_once) -> Taken:
    """The sound delivery in a lake that no test may change."""
    folder = tmp_path_factory.mktemp("sound")
    inputs, root = World().csv(folder / "in"), str(folder / "lake")
    return Taken(inputs, root, ingest(spark, inputs, Lake(spark, root), Settings()))


@pytest.fixture
def taken(sound_lake, lake) -> Taken:
    """The sound delivery, ingested into the test's lake before the test begins."""
    shutil.copytree(sound_lake.root, lake.root)
    return sound_lake


@pytest.fixture
def refused(take):
    """Messages of an ingest that must fail, `CODE: message` each."""

    def run(inputs: str, **settings: object) -> list[str]:
        with pytest.raises(CcftError) as caught:
            take(inputs, **settings)
        assert caught.value.exit_code == 1
        return [f"{problem.code.removeprefix('CCFT-INPUT-')}: {problem.message}" for problem in caught.value.problems]

    return run


def rows_of(lake: Lake, name: str) -> list[tuple[str, ...]]:
    """All rows of a table as text, sorted: exact equality of decimals included. Read without Spark, in milliseconds."""
    names = table(name).column_names
    return sorted(tuple(str(row[column]) for column in names) for row in lake.rows(name).to_pylist())


@pytest.fixture
def rows(lake):
    """Rows of a table of the lake as text, sorted."""
    return lambda name: rows_of(lake, name)

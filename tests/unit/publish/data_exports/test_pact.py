"""PACT footprints against a schema written down from the technical specifications, version 3."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import jsonschema
import pyarrow as pa
import pytest

from ccft.errors import CcftError
from ccft.publish.data_exports.manifest import ManifestRestatement
from ccft.publish.data_exports.pact import EVIDENCE, Company
from tests.unit.publish.data_exports.deliveries import deliver_rows
from tests.unit.publish.data_exports.sample import SLICE, MemoryStore, row, table

COMPANY = Company("Example Cloud", "cloud.example", "000000000000", "AR6")
_DECIMAL = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
_TIME = {"type": "string", "format": "date-time", "pattern": "Z$"}
_URNS = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "string", "pattern": r"^urn:[a-z0-9][a-z0-9-]{0,31}:\S+$"},
}
_IDS = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "format": "uuid"}}
SCHEMA = {
    "type": "object",
    "required": ["data"],
    "additionalProperties": False,
    "properties": {"data": {"type": "array", "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "specVersion", "created", "status", "companyName", "companyIds", "productDescription", "productIds",
                     "productNameCompany", "pcf"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "specVersion": {"const": "3.0.0"},
            "precedingPfIds": _IDS,
            "created": _TIME,
            "status": {"enum": ["Active", "Deprecated"]},
            "companyName": {"type": "string", "minLength": 1},
            "companyIds": _URNS,
            "productDescription": {"type": "string"},
            "productIds": _URNS,
            "productNameCompany": {"type": "string", "minLength": 1},
            "comment": {"type": "string"},
            "pcf": {
                "type": "object",
                "additionalProperties": False,
                "required": ["declaredUnitOfMeasurement", "declaredUnitAmount", "productMassPerDeclaredUnit", "referencePeriodStart",
                             "referencePeriodEnd", "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions",
                             "fossilCarbonContent", "ipccCharacterizationFactors", "crossSectoralStandards", "exemptedEmissionsPercent"],
                "properties": {
                    "declaredUnitOfMeasurement": {"enum": ["liter", "kilogram", "cubic meter", "kilowatt hour", "megajoule", "ton kilometer",
                                                           "square meter", "piece", "hour", "megabit second"]},
                    "declaredUnitAmount": {"type": "string", "pattern": r"^(?=.*[1-9])\d+(\.\d+)?$"},
                    "productMassPerDeclaredUnit": _DECIMAL,
                    "referencePeriodStart": _TIME,
                    "referencePeriodEnd": _TIME,
                    "pcfExcludingBiogenicUptake": _DECIMAL,
                    "pcfIncludingBiogenicUptake": _DECIMAL,
                    "fossilGhgEmissions": _DECIMAL,
                    "fossilCarbonContent": _DECIMAL,
                    "ipccCharacterizationFactors": {"type": "array", "minItems": 1, "uniqueItems": True,
                                                    "items": {"type": "string", "pattern": r"^AR\d+$"}},
                    "crossSectoralStandards": {"type": "array", "minItems": 1, "uniqueItems": True,
                                               "items": {"enum": ["ISO14067", "ISO14083", "ISO14040-44", "GHGP-Product", "PEF", "PACT-1.0",
                                                                  "PACT-2.0", "PACT-3.0"]}},
                    "boundaryProcessesDescription": {"type": "string"},
                    "exemptedEmissionsPercent": _DECIMAL,
                    "allocationRulesDescription": {"type": "string"},
                    "primaryDataShare": _DECIMAL,
                    "verification": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "coverage": {"enum": ["PCF calculation model", "PCF program", "product level"]},
                            "providerName": {"type": "string", "minLength": 1},
                            "completedAt": _TIME,
                            "standardName": {"type": "string"},
                            "comments": {"type": "string"},
                        },
                    },
                },
            },
        },
    }}},
}  # fmt: skip
"""WBCSD/PACT, Technical Specifications for PCF Data Exchange 3.0: ListFootprints, ProductFootprint, CarbonFootprint, Verification."""


def with_evidence(rows: list[dict], shares: list[float | None]) -> pa.Table:
    return table(rows).append_column(EVIDENCE, pa.array(shares, pa.float64()))


ROWS = with_evidence(
    [
        row("000000000042", "Storage", kg="1"),
        row("000000000043", "Storage", kg="3"),
        row("000000000043", "Compute/Large & small", kg="0.0000005"),
        row("000000000043", "Storage", "us-1", kg="2"),
    ],
    [1.0, 0.5, 0.5, None],
)


def footprints(item=SLICE, tables=None) -> dict[str, dict]:
    store = MemoryStore()
    given = [ROWS.slice(0, 1), ROWS.slice(1)] if tables is None else tables
    manifest = deliver_rows(store, given, item=item, profile="pact", company=COMPANY)
    (content,) = [content for path, content in store.content.items() if path.endswith(".json") and "/data/" in path]
    document = json.loads(content)
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)
    assert manifest.row_count == len(document["data"])
    return {footprint["productIds"][0].rsplit(":", 1)[1]: footprint for footprint in document["data"]}


def test_a_footprint_is_exact_and_says_what_it_rests_on():
    found = footprints()
    assert set(found) == {"Storage%2Feu-1", "Storage%2Fus-1", "Compute%2FLarge%20%26%20small%2Feu-1"}
    pcf = found["Storage%2Feu-1"]["pcf"]
    # Market-based: Scope 1, Scope 2, two parts of Scope 3, of two accounts.
    assert Decimal(pcf["pcfExcludingBiogenicUptake"]) == 4 * (1 + 3)
    # 4 kg fully measured, 12 kg half measured.
    assert pcf["primaryDataShare"] == "62.50"
    assert "allocated" in pcf["allocationRulesDescription"]
    assert "Not verified" in pcf["verification"]["comments"]
    assert (pcf["referencePeriodStart"], pcf["referencePeriodEnd"]) == (
        "2025-01-01T00:00:00.000Z",
        "2025-02-01T00:00:00.000Z",
    )
    assert "primaryDataShare" not in found["Storage%2Fus-1"]["pcf"], "unknown is not zero"
    assert Decimal(found["Compute%2FLarge%20%26%20small%2Feu-1"]["pcf"]["fossilGhgEmissions"]) == Decimal("0.000002")


def test_a_restated_footprint_has_a_new_id_and_names_the_one_before():
    old = footprints()["Storage%2Feu-1"]
    restatement = ManifestRestatement(previous_run_id="run-1", restated_at=datetime(2026, 5, 1, tzinfo=UTC))
    new = footprints(replace(SLICE, run_id="run-2", restatement=restatement))["Storage%2Feu-1"]
    assert "precedingPfIds" not in old
    assert new["precedingPfIds"] == [old["id"]]
    assert new["id"] != old["id"]
    assert footprints()["Storage%2Feu-1"]["id"] == old["id"], "delivering again is no new footprint"


def test_a_superseded_version_is_deprecated():
    assert footprints()["Storage%2Feu-1"]["status"] == "Active"
    assert footprints(replace(SLICE, is_current=False))["Storage%2Feu-1"]["status"] == "Deprecated"


def test_without_scope_3_there_is_no_cradle_to_gate_footprint():
    assert footprints(replace(SLICE, version="v2.0")) == {}
    assert footprints(tables=[]) == {}


@pytest.mark.parametrize(
    "company", [None, Company("", "cloud.example", "0", "AR6"), Company("Example", "", "0", "AR6")]
)
def test_a_footprint_names_who_declares_it(company):
    with pytest.raises(CcftError, match="provider_name"):
        deliver_rows(MemoryStore(), [ROWS], profile="pact", company=company)

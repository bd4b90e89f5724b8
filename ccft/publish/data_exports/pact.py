"""PACT product footprints: what a month of a product in a region, as one organisation used it, emitted (cradle to gate, market-based).

One footprint per product_code and region_code of a delivery; a file is the body of a `ListFootprints` answer, `{"data": [...]}`. A footprint without
Scope 3 would not be cradle to gate: for methodology versions that lack measures the list is empty, and the manifest says which measures.

Source: WBCSD/PACT, "Technical Specifications for PCF Data Exchange", version 3.0 (data model; life cycle: a changed footprint has a new id and
names the one before it). `primaryDataShare` is the share of metered or invoiced data of the organisation's accounts in the month, as in the
view `data_quality_summary`; it is known for the current version of a month.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from ccft.periods import month_end, month_start
from ccft.publish.data_exports.delivery import Chunk
from ccft.publish.data_exports.manifest import ManifestColumn
from ccft.publish.data_exports.scope import Slice
from ccft.publish.data_exports.shape import VALUE, Summed, exact_of
from ccft.schema.units import MASS

SPEC_VERSION: Final = "3.0.0"
EVIDENCE: Final = "metered_or_invoiced_mbm_share"
"""Column that the pipeline adds to rows: share of the account's month that rests on metered or invoiced data."""

ALLOCATION_RULE: Final = (
    "Cluster emissions are allocated to rack types by planned power, to services by use of the racks, through the use of services by services,"
    " and to accounts by usage (services with racks of their own) or by usage at list price; unused capacity is borne by users pro rata."
    " Every step conserves the inventory to the microgram."
)
BOUNDARY: Final = (
    "Scope 1 and 2 of the data centres, fuel- and energy-related activities, racks and buildings amortised over their service life."
    " Transmission outside the data centres and the customer's devices are not included."
)
VERIFICATION: Final = (
    "Not verified by a third party. Conservation of every step is checked by the software and can be re-derived."
)
_MEASURE: Final = "total_mbm"
_ALTERNATIVE: Final = "total_lbm"
_SHARE_PLACES: Final = Decimal("0.01")
_GROUP: Final = ("product_code", "region_code", "location")


@dataclass(frozen=True)
class Company:
    """Who declares the footprints.

    Parameters
    ----------
    name
        The provider.
    domain
        Issuer of product ids (`urn:pact:<domain>:...`).
    account_id
        The provider's own account.
    ipcc_report
        IPCC assessment report of the global warming potentials in the emission factors, e.g. `AR6`.
    """

    name: str
    domain: str
    account_id: str
    ipcc_report: str


@dataclass(frozen=True)
class Footprints:
    """The shape of a PACT delivery."""

    company: Company

    @property
    def sources(self) -> Sequence[str]:
        """Columns of rows that footprints are made of."""
        return (*_GROUP, f"{_MEASURE}{VALUE}", EVIDENCE)

    @property
    def columns(self) -> tuple[ManifestColumn, ...]:
        """A list of documents."""
        return (ManifestColumn(name="data", source="ProductFootprint", type="array<object>", unit="", nullable=False),)

    @property
    def summed(self) -> Sequence[Summed]:
        """None: footprints hold exact kilograms, each its own product's."""
        return []

    def chunks(self, tables: Iterable[pa.Table], item: Slice, payer: str) -> Iterator[Chunk]:
        """One file, all footprints of the delivery."""
        merged: dict[tuple[str, str], _Sum] = {}
        for table in tables:
            for key, part in _sums(table).items():
                merged[key] = merged[key].plus(part) if key in merged else part
        is_complete = not item.measures_not_computed
        documents = [self._document(item, payer, key, merged[key]) for key in sorted(merged)] if is_complete else []
        text = json.dumps({"data": documents}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        yield Chunk(text.encode(), len(documents))

    def _document(self, item: Slice, payer: str, key: tuple[str, str], total: "_Sum") -> dict[str, object]:
        product, region = key
        document: dict[str, object] = {
            "id": _id(item, payer, key, item.run_id),
            "specVersion": SPEC_VERSION,
            "created": _instant(item.finished_at),
            "status": "Active" if item.is_current else "Deprecated",
            "companyName": self.company.name,
            "companyIds": [self._urn("supplier-id", self.company.account_id)],
            "productDescription": f"{product} in {total.location or region}, {item.period}: all use by the organisation {payer}",
            "productIds": [self._urn("product-id", f"{product}/{region}")],
            "productNameCompany": product,
            "comment": f"Methodology {item.version}. Location-based: {format(total.alternative, 'f')} kg CO2e.",
            "pcf": self._footprint(item, total),
        }
        if item.restatement is not None:
            document["precedingPfIds"] = [_id(item, payer, key, item.restatement.previous_run_id)]
        return document

    def _footprint(self, item: Slice, total: "_Sum") -> dict[str, object]:
        kg = format(total.mass, "f")
        footprint: dict[str, object] = {
            "declaredUnitOfMeasurement": "piece",
            "declaredUnitAmount": "1",
            "productMassPerDeclaredUnit": "0",
            "referencePeriodStart": _midnight(month_start(item.period)),
            "referencePeriodEnd": _midnight(month_end(item.period)),
            "pcfExcludingBiogenicUptake": kg,
            "pcfIncludingBiogenicUptake": kg,
            "fossilGhgEmissions": kg,
            "fossilCarbonContent": "0",
            "ipccCharacterizationFactors": [self.company.ipcc_report],
            "crossSectoralStandards": ["GHGP-Product"],
            "boundaryProcessesDescription": BOUNDARY,
            "exemptedEmissionsPercent": "0",
            "allocationRulesDescription": ALLOCATION_RULE,
            "verification": {"comments": VERIFICATION},
        }
        if total.share is not None:
            footprint["primaryDataShare"] = format(total.share, "f")
        return footprint

    def _urn(self, kind: str, name: str) -> str:
        return f"urn:pact:{self.company.domain}:{kind}:{quote(name, safe='')}"


@dataclass(frozen=True)
class _Sum:
    """Exact masses of one product in one region; the weighted share is a ratio, not a mass."""

    location: str
    mass: Decimal
    alternative: Decimal
    weighted: float
    weight: float

    def plus(self, other: "_Sum") -> "_Sum":
        return _Sum(
            self.location,
            self.mass + other.mass,
            self.alternative + other.alternative,
            self.weighted + other.weighted,
            self.weight + other.weight,
        )

    @property
    def share(self) -> Decimal | None:
        """Per cent, half up to two places; None when nothing is known or nothing was emitted."""
        if self.weight <= 0:
            return None
        return Decimal(100 * self.weighted / self.weight).quantize(_SHARE_PLACES, ROUND_HALF_UP)


def _sums(table: pa.Table) -> dict[tuple[str, str], _Sum]:
    """Sums of a table's rows per product and region."""
    value, share = table[f"{_MEASURE}{VALUE}"], table[EVIDENCE]
    known = pc.if_else(pc.is_valid(share), value, 0.0)
    masses = {name: _mass(table, name) for name in (_MEASURE, _ALTERNATIVE)}
    rows = pa.table(
        {name: table[name] for name in _GROUP}
        | masses
        | {"weighted": pc.multiply(known, pc.fill_null(share, 0.0)), "weight": known}
    )
    summed = ("total_mbm", "total_lbm", "weighted", "weight")
    grouped = rows.group_by(list(_GROUP), use_threads=False).aggregate([(name, "sum") for name in summed])
    return {
        (row["product_code"], row["region_code"]): _Sum(
            row["location"], row["total_mbm_sum"], row["total_lbm_sum"], row["weighted_sum"], row["weight_sum"]
        )
        for row in grouped.to_pylist()
    }


def _mass(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Exact mass of each row, summed over its measures."""
    precision, scale = (int(part) for part in MASS.removeprefix("decimal(").removesuffix(")").split(","))
    total = None
    for part in exact_of(f"{name}{VALUE}"):
        column = table[part].cast(pa.decimal128(precision, scale))
        total = column if total is None else pc.add(total, column)
    return total.cast(pa.decimal128(38, scale)) if total is not None else None


def _id(item: Slice, payer: str, key: tuple[str, str], run_id: str) -> str:
    """The same footprint has the same id wherever and however often it is delivered."""
    name = "/".join(("ccft", payer, *key, item.period, item.version, run_id))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"

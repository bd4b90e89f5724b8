"""Contract section 2, rejects: everything that can be wrong with the small tables, reported at once."""

import pytest

pytestmark = pytest.mark.spark


@pytest.fixture
def spoiled(world):
    world.add("clusters", "r3|region|global|Somewhere|Z1|M1|2020-01-01", "e2|edge|eu-9|Elsewhere|Z1|M1|2020-13-01")
    world.add(
        "clusters",
        "r4|Region|eu-1|Europe (Other)|Z1||2020-01-01",
        "worldwide|region|eu-4|Europe (Four)|Z1|M1|2020-01-01",
    )
    world.add("clusters", "r2|region|eu-2|Europe (Two)|Z2|M1|2024-09-01")
    world.add(
        "activity",
        "2025-03|s2|r1|electricity||-1|MWh|metered",
        "2025-03|s3|r1|electricity||1|kWh|metered",
        "2025-03|s4|r9|electricity||1|MWh|guessed",
        "2025-03|s5|r1|generator_fuel||1|litre|metered",
        "2025-03|s6|r1|generator_fuel|diesel|1|m3|metered",
        "2025-13|s7|r1|electricity||1.0000001|MWh|metered",
        "2025-03|s8|r1|electricity||1000000000000|MWh|metered",
        "2025-03|s9|r1|coal|coal|1e3x|MWh|metered",
        "2025-03|s1|r1|electricity||1|MWh|metered",
        "|s10|r1|electricity||1|MWh|metered",
    )
    world.add(
        "emission_factors",
        "grid_generation|Z1||2025-06||290|kg/MWh|grid|2025",
        "grid_generation|Z3||2025-01||290|g/kWh|grid|year",
        "market_generation|M2||2025-01||290|kg/MWh|mix|2025",
        "market_generation|M2|green|2025-01||290|kg/MWh|mix|2025",
        "grid_losses|Z1|supplier|2025-01|2024-01|2|kg/MWh|mix|2025",
        "carbon_free_share|Z2||2025-01||75|1|grid|2025",
        "gwp|methane||0000-05||1|kg/kg|IPCC|2021",
    )
    world.add("certificates", "2025-03|M1|c3|-1|-2|bought", "2025-03|M1|c1|10|0|procured")
    world.add(
        "racks",
        "k5|r9|C6|no|-1|-2|2024-01-01|2023-01-01|-3|0|",
        "k6|r1|C5|true|1|1|2024-01-01||1|-72|",
        "k7|r1|unassigned|false|1|1|01.02.2024||1||",
        "k1|r1|C5|false|1|1|2024-01-01||1||",
    )
    world.add("facility_assets", "g2|r1|equipment|1|2020-01-01|", "g3|r9|tent|-1|2020-01-01|7.5")
    world.add("services", "SharedOverhead|UnusedCapacity|Overhead|true|units", "|X|X|true|units")
    world.add(
        "accounts",
        "000000000010|2024-06|2024-06|000000000010|external|",
        "000000000013|2025-01||000000000099|external|vm",
        "14|2025-01|2024-12|000000000010|customer|",
        "000000000015|2025-01||000000000000|internal|nothing",
        "000000000015|2025-01||000000000000|internal|",
    )
    return world


EXPECTED = """
activity
    AMOUNT-TOO-LARGE: activity 2025-03 s8 r1 electricity -: quantity = 1000000000000 is above the representable range
    DUPLICATE-KEY: activity 2025-03 s1 r1 electricity -: delivered 2 times
    MISSING-VALUE: activity 2025-03 s5 r1 generator_fuel -: substance is empty
    MISSING-VALUE: activity {"site_id":"s10","cluster_id":"r1","activity":"electricity","quantity":"1","unit":"MWh","evidence":"metered"}: period is empty
    NEGATIVE-QUANTITY: activity 2025-03 s2 r1 electricity -: quantity = -1 is negative
    UNKNOWN-CLUSTER: activity 2025-03 s4 r9 electricity -: cluster 'r9' is not in clusters
    UNKNOWN-VALUE: activity 2025-03 s4 r9 electricity -: evidence = 'guessed' is not one of metered, invoiced, estimated, forecast
    UNKNOWN-VALUE: activity 2025-03 s9 r1 coal coal: activity = 'coal' is not one of electricity, generator_fuel, natural_gas, refrigerant
    WRONG-TYPE: activity 2025-03 s9 r1 coal coal: quantity = '1e3x' is not a number with at most 6 decimals
    WRONG-TYPE: activity 2025-13 s7 r1 electricity -: period = '2025-13' is not a month (YYYY-MM)
    WRONG-TYPE: activity 2025-13 s7 r1 electricity -: quantity = '1.0000001' is not a number with at most 6 decimals
    WRONG-UNIT: activity 2025-03 s3 r1 electricity -: unit 'kWh', expected MWh
    WRONG-UNIT: activity 2025-03 s6 r1 generator_fuel diesel: unit 'm3', expected litre as in emission_factors
clusters
    DUPLICATE-KEY: clusters r2: delivered 2 times
    MISSING-VALUE: clusters r4: market_boundary is empty
    RESERVED-PRODUCT: clusters worldwide: cluster_id = worldwide is reserved
    RESERVED-REGION: clusters e2: region_code eu-9 on a cluster of type edge
    RESERVED-REGION: clusters r3: region_code global on a cluster of type region
    TWO-LOCATIONS: clusters: region_code eu-1 has the locations Europe (One, "Old" Town); Europe (Other)
    TWO-LOCATIONS: clusters: region_code global has the locations Global; Somewhere
    UNKNOWN-VALUE: clusters e2: location = 'Elsewhere' is not one of Global (edge clusters)
    UNKNOWN-VALUE: clusters r4: cluster_type = 'Region' is not one of region, edge
    WRONG-TYPE: clusters e2: launched_on = '2020-13-01' is not a date (YYYY-MM-DD)
emission_factors
    MISSING-VALUE: emission_factors market_generation M2 - 2025-01: instrument is empty
    OVERLAPPING-VALIDITY: emission_factors grid_generation Z1 - 2025-01: valid from 2025-01 and again from 2025-06 before it ends
    SHARE-OUT-OF-RANGE: emission_factors carbon_free_share Z2 - 2025-01: carbon_free_share = 75.000000000 is outside 0..1
    UNKNOWN-VALUE: emission_factors grid_losses Z1 supplier 2025-01: instrument = 'supplier' is not one of (empty): market factors alone have an instrument
    UNKNOWN-VALUE: emission_factors market_generation M2 green 2025-01: instrument = 'green' is not one of direct_contract, supplier, residual_mix
    WRONG-TYPE: emission_factors grid_generation Z3 - 2025-01: vintage = 'year' is not a whole number
    WRONG-TYPE: emission_factors grid_losses Z1 supplier 2025-01: valid_to = '2024-01' is not a month on or after valid_from
    WRONG-TYPE: emission_factors gwp methane - 0000-05: valid_from = '0000-05' is not a month (YYYY-MM)
    WRONG-UNIT: emission_factors grid_generation Z3 - 2025-01: unit 'g/kWh', expected kg/MWh
certificates
    DUPLICATE-KEY: certificates 2025-03 M1 c1: delivered 2 times
    NEGATIVE-QUANTITY: certificates 2025-03 M1 c3: ef = -2 is negative
    NEGATIVE-QUANTITY: certificates 2025-03 M1 c3: quantity = -1 is negative
    UNKNOWN-VALUE: certificates 2025-03 M1 c3: status = 'bought' is not one of procured, expected
racks
    DUPLICATE-KEY: racks k1: delivered 2 times
    MIXED-RACK-TYPE: racks: rack type C5 has both network and other racks
    NEGATIVE-QUANTITY: racks k5: capacity_units_per_day = -2 is negative
    NEGATIVE-QUANTITY: racks k5: embodied_kg = -3 is negative
    NEGATIVE-QUANTITY: racks k5: planned_power_kw = -1 is negative
    RESERVED-PRODUCT: racks k7: rack_type = unassigned is reserved
    SERVICE-LIFE: racks k5: service_life_months = '0'
    SERVICE-LIFE: racks k6: service_life_months = '-72'
    UNKNOWN-CLUSTER: racks k5: cluster 'r9' is not in clusters
    WRONG-TYPE: racks k5: is_network = 'no' is not true or false
    WRONG-TYPE: racks k5: retired_on = '2023-01-01' is not a day on or after deployed_on
    WRONG-TYPE: racks k7: deployed_on = '01.02.2024' is not a date (YYYY-MM-DD)
facility_assets
    NEGATIVE-QUANTITY: facility_assets g3: embodied_kg = -1 is negative
    SERVICE-LIFE: facility_assets g2: service_life_months = ''
    UNKNOWN-CLUSTER: facility_assets g3: cluster 'r9' is not in clusters
    UNKNOWN-VALUE: facility_assets g3: asset_kind = 'tent' is not one of building, equipment
    WRONG-TYPE: facility_assets g3: service_life_months = '7.5' is not a whole number
services
    MISSING-VALUE: services {"product_code":"X","service_name":"X","is_foundational":"true","usage_unit":"units"}: service_id is empty
    RESERVED-PRODUCT: services SharedOverhead: product_code = UnusedCapacity is reserved
    RESERVED-PRODUCT: services SharedOverhead: service_id = SharedOverhead is reserved
accounts
    DUPLICATE-KEY: accounts 000000000015 2025-01: delivered 2 times
    OVERLAPPING-VALIDITY: accounts 000000000010 2020-01: valid from 2020-01 and again from 2024-06 before it ends
    OWNER-NOT-INTERNAL: accounts 000000000013 2025-01: owner_service_id on an account of type external
    UNKNOWN-ACCOUNT: accounts 000000000013: account '000000000099' is not in accounts
    UNKNOWN-SERVICE: accounts 000000000015 2025-01: service 'nothing' is not in services
    UNKNOWN-VALUE: accounts 14 2025-01: account_type = 'customer' is not one of internal, affiliate, external
    WRONG-TYPE: accounts 14 2025-01: account_id = '14' is not 12 digits
    WRONG-TYPE: accounts 14 2025-01: valid_to = '2024-12' is not a month on or after valid_from
"""


def test_all_problems_of_all_small_tables_in_one_report(spoiled, refused, lake, tmp_path):
    expected = sorted(line.strip() for line in EXPECTED.splitlines() if line.startswith("    "))
    assert sorted(refused(spoiled.csv(tmp_path / "in"))) == expected
    assert not lake.exists("core_clusters")
    assert not lake.exists("ingest_log")


def test_long_lists_are_cut(world, refused, tmp_path):
    world.add("services", *(f"s{number:03d}|UnusedCapacity|x|true|units" for number in range(45)))
    found = refused(world.csv(tmp_path / "in"))
    assert len(found) == 21
    assert found[0] == "RESERVED-PRODUCT: services s000: product_code = UnusedCapacity is reserved"
    assert found[-1] == "MORE-PROBLEMS: services: ... and 25 more of CCFT-INPUT-RESERVED-PRODUCT"

"""Skerry Cloud, the invented provider: its clusters and rack types.

Host figures are public; each line names its source. Racks, counts and dates are invented.

- ccf: cloud-carbon-footprint/ccf-coefficients (Apache-2.0): embodied carbon per host, watts per hardware thread.
- greensku: Azure/AzurePublicDataset, GreenSKU-Framework (data CC BY 4.0, Microsoft; Wang et al., ISCA 2024): embodied
  carbon and maximum power of server parts, rack (500 W, 500 kg) and building (9,000,000 kg per 2,500 racks).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

DEFAULT_LIFE_MONTHS = 72
RACK_MISC_KW = 0.5  # greensku rack_misc
RACK_MISC_KG = 500.0  # greensku rack_misc


@dataclass(frozen=True)
class RackType:
    """A kind of rack: its hosts, what one host can do in a day, and which services occupy it.

    Attributes
    ----------
    services
        Share of the use of a rack per service; empty for networking racks.
    hosts, host_kw, host_kg
        Hosts per rack; planned power (kW) and embodied carbon (kg CO2e) of one.
    host_units
        Capacity of one host per day, in units of the rack type.
    count
        Racks in the largest region at 2,000 accounts; 0: only in the clusters that name it.
    life_months
        Planned life; None leaves the column empty, which means 72.
    since
        First day on which the hosts could be bought.
    """

    name: str
    services: Mapping[str, float]
    hosts: int
    host_kw: float
    host_kg: float
    host_units: float
    count: int
    method: str
    life_months: int | None = None
    since: date = date(2010, 1, 1)

    @property
    def is_network(self) -> bool:
        """Whether it carries the network and has no usage of its own."""
        return not self.services

    @property
    def planned_kw(self) -> float:
        """Planned power draw of one rack, kW."""
        return self.hosts * self.host_kw + RACK_MISC_KW

    @property
    def embodied_kg(self) -> float:
        """Embodied carbon of one rack, kg CO2e."""
        return self.hosts * self.host_kg + RACK_MISC_KG

    @property
    def capacity(self) -> float:
        """Capacity of one rack per day, in units of the rack type."""
        return self.hosts * self.host_units


# Planned power of processor hosts: half way between ccf minimum and maximum watts x 96 threads (Cascade Lake 228 W,
# Skylake 226 W). Storage hosts: assumption, processors at low load plus drives.
_C5, _M5, _R5 = ("ccf host c5.24xlarge + greensku rack", "ccf host m5.24xlarge + greensku rack",
                 "ccf host r5.24xlarge + greensku rack")  # fmt: skip
_HDD, _NVME = "ccf host d3en.12xlarge + greensku rack", "ccf host i3en.metal + greensku rack"
_VCPU_HOURS = 96 * 24.0

RACK_TYPES: tuple[RackType, ...] = (
    RackType("VM.C5", {"vm": 1.0}, 40, 0.228, 1344.29, _VCPU_HOURS, 22, _C5),
    RackType("VM.M5", {"vm": 0.85, "functions": 0.15}, 40, 0.226, 1610.79, _VCPU_HOURS, 20, _M5),
    RackType("VM.R5", {"vm": 0.65, "cache": 0.35}, 36, 0.226, 2143.79, _VCPU_HOURS, 12, _R5),
    # 23 GreenSKU-Efficient servers: 128 cores, 2,681 kg, 608 W at half load.
    RackType("VM.G128", {"vm": 1.0}, 23, 0.608, 2681.1498, 128 * 24.0, 8, "greensku GreenSKU-Efficient + rack"),
    RackType("OBJ.standard", {"objectstore": 0.9, "filestore": 0.1}, 20, 0.35, 2544.29, 168.0, 14, _HDD),  # TB-days
    RackType("OBJ.archive", {"objectstore": 1.0}, 24, 0.2, 2544.29, 240.0, 5, _HDD),
    RackType("BLK.ssd", {"blockstore": 1.0}, 24, 0.3, 2943.79, 60.0, 10, _NVME),
    RackType("BLK.hdd", {"blockstore": 0.7, "filestore": 0.3}, 22, 0.28, 2544.29, 140.0, 5, _HDD),
    RackType("DB.mem", {"database": 1.0}, 36, 0.226, 2143.79, _VCPU_HOURS, 9, _R5),
    RackType("KV.nvme", {"keyvalue": 1.0}, 24, 0.26, 2943.79, 900.0, 7, _NVME),  # million requests
    # 8 accelerators of 400 W and their host at serving load: assumption 3.69 kW. Life of accelerators: five years.
    RackType(
        "GPU.A100X8",
        {"gpu": 1.0},
        3,
        3.69,
        4676.79,
        192.0,
        9,
        "ccf host p4d.24xlarge + greensku rack",
        60,
        date(2020, 7, 1),
    ),
    # Assumption: 6.5 kW for 8 accelerators of 700 W with host; embodied 5.7 t: ccf AWS platform list of 2026.
    RackType("GPU.H100X8", {"gpu": 1.0}, 2, 6.5, 5700.0, 192.0, 0, "ccf platform p5.48xlarge + greensku rack", 60),
    RackType("MSG.stream", {"queue": 1.0}, 36, 0.226, 1610.79, 700.0, 4, _M5),
    # 31 GreenSKU Baseline servers: 80 cores, 1,913 kg, 455 W at half load.
    RackType("FN.micro", {"functions": 1.0}, 31, 0.455, 1912.5498, 80 * 24.0, 7, "greensku Baseline + rack"),
    RackType("DW.dense", {"warehouse": 1.0}, 20, 0.3, 2943.79, _VCPU_HOURS, 5, _NVME),
    RackType("SRCH.nvme", {"search": 1.0}, 20, 0.26, 2943.79, _VCPU_HOURS, 4, _NVME),
    RackType("LB.net", {"loadbalancer": 1.0}, 24, 0.228, 1344.29, 80.0, 3, _C5),
    RackType("CTL.core", {"controlplane": 0.7, "identity": 0.3}, 30, 0.226, 1610.79, 1200.0, 3, _M5),
    RackType("EDGE.cache", {"cdn": 1.0}, 16, 0.3, 2943.79, 45.0, 0, _NVME),  # TB delivered
    RackType("EDGE.dns", {"dns": 1.0}, 8, 0.228, 1344.29, 400.0, 0, _C5),
    # 32 switches of 150 W, embodied as greensku server_misc + nic: assumption.
    RackType("NET.spine", {}, 32, 0.15, 408.09, 0.0, 5, "assumption: 32 switches as greensku server parts", 96),
)


@dataclass(frozen=True)
class Cluster:
    """A region or an edge cluster.

    Attributes
    ----------
    launched_on
        None: the young region, launched on the day the timeline says.
    home_share
        Share of customers at home here; 0 for clusters that customers do not choose.
    size
        Racks relative to the largest region.
    pue
        Facility power over IT power.
    sites
        Site letters.
    neighbour
        Cluster that serves its customers what is not sold here.
    edge
        Edge cluster nearest to its customers.
    without
        Rack types that this region does not have.
    idle
        Rack types that stand here and that nobody uses.
    racks
        Numbers of racks that replace (regions) or make up (other clusters) the standard set.
    """

    cluster_id: str
    region_code: str
    location: str
    grid_zone: str
    market_boundary: str
    launched_on: date | None
    home_share: float
    size: float
    pue: float
    sites: str = "a"
    neighbour: str = "va-1"
    edge: str = "cf-eu"
    without: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    racks: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_edge(self) -> bool:
        """Whether it belongs to the content delivery network."""
        return self.region_code == "global"


MAIN_CLUSTER = "va-1"
YOUNG_CLUSTER = "jp-1"
TRAINING_CLUSTER = "se-2"
OVERUSED = ("in-1", "KV.nvme")
FUEL_GAP_CLUSTER = "de-1"
OUTAGE_CLUSTER = "in-1"
ZERO_FUEL_CLUSTER = "se-1"  # no test run in July: a row with quantity 0 is data
GAS_ENGINE_CLUSTER = "or-1"  # burns natural gas beside diesel
LATE_RETIREMENT_CLUSTER = "or-1"
LATE_ARRIVAL = ("va-1", "VM.C5")

_GPU = frozenset({"GPU.A100X8"})

CLUSTERS: tuple[Cluster, ...] = (
    Cluster("va-1", "us-va-1", "US East (Virginia)", "US-PJM", "US", date(2012, 5, 14), 0.26, 1.0, 1.15, "abc",
            "or-1", "cf-na", racks={"GPU.H100X8": 5}),
    Cluster("or-1", "us-or-1", "US Northwest (Oregon)", "US-NWPP", "US", date(2013, 9, 10), 0.14, 0.6, 1.12, "ab",
            "va-1", "cf-na", racks={"GPU.H100X8": 3}),
    Cluster("ie-1", "eu-ie-1", "Europe (Ireland, Dublin)", "IE", "EU", date(2013, 4, 22), 0.16, 0.65, 1.14, "ab"),
    Cluster("de-1", "eu-de-1", "Europe (Germany, Frankfurt)", "DE", "EU", date(2014, 10, 20), 0.14, 0.55, 1.25, "ab",
            "ie-1"),
    Cluster("fr-1", "eu-fr-1", "Europe (France, Paris)", "FR", "EU", date(2017, 12, 4), 0.08, 0.35, 1.22, "a", "ie-1",
            without=_GPU, idle=frozenset({"DW.dense"})),
    Cluster("se-1", "eu-se-1", "Europe (Sweden)", "SE", "EU", date(2018, 11, 12), 0.07, 0.3, 1.10, "a", "de-1",
            without=_GPU | {"DW.dense", "SRCH.nvme"}),
    Cluster("in-1", "ap-in-1", "Asia Pacific (India, Mumbai)", "IN-WE", "IN", date(2016, 6, 27), 0.10, 0.45, 1.38, "ab",
            without=frozenset({"OBJ.archive"})),
    Cluster("jp-1", "ap-jp-1", "Asia Pacific (Japan, Tokyo)", "JP-TK", "JP", None, 0.05, 0.3, 1.28, "a", "in-1",
            without=_GPU | {"OBJ.archive", "DW.dense", "SRCH.nvme"}, racks={"GPU.H100X8": 3}),
    # Training campus: same region as se-1, no customers of its own.
    Cluster("se-2", "eu-se-1", "Europe (Sweden)", "SE", "EU", date(2018, 12, 3), 0.0, 0.0, 1.08, "a",
            racks={"GPU.A100X8": 22, "GPU.H100X8": 12, "VM.C5": 4, "OBJ.standard": 4, "BLK.ssd": 3, "CTL.core": 2,
                   "NET.spine": 4}),
    Cluster("cf-eu", "global", "Global", "EU-MIX", "EU", date(2014, 3, 3), 0.0, 0.0, 1.45,
            racks={"EDGE.cache": 14, "EDGE.dns": 3, "NET.spine": 2}),
    Cluster("cf-na", "global", "Global", "US-MIX", "US", date(2014, 3, 3), 0.0, 0.0, 1.42,
            racks={"EDGE.cache": 12, "EDGE.dns": 3, "NET.spine": 2}),
)  # fmt: skip

CLUSTER_INDEX: Mapping[str, int] = {cluster.cluster_id: index for index, cluster in enumerate(CLUSTERS)}
RACK_TYPE_INDEX: Mapping[str, int] = {kind.name: index for index, kind in enumerate(RACK_TYPES)}


def rack_counts(cluster: Cluster, scale: float) -> dict[str, int]:
    """Racks per rack type of a cluster.

    Parameters
    ----------
    scale
        1 at 2,000 accounts. Every type present has at least two racks, one of them old enough to be a reference.
    """
    counts: dict[str, float] = {}
    if cluster.size > 0:
        counts = {kind.name: kind.count * cluster.size for kind in RACK_TYPES if kind.name not in cluster.without}
    counts.update(cluster.racks)
    return {name: max(2, round(count * scale)) for name, count in counts.items() if count > 0}

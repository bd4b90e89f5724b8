"""The services of Skerry Cloud, where they run, and which of them use which."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ccft.demo.files import Bools
from ccft.demo.provider import CLUSTERS, RACK_TYPES, TRAINING_CLUSTER, rack_counts


@dataclass(frozen=True)
class Service:
    """A service as sold.

    Attributes
    ----------
    price_usd
        List price of one usage unit.
    popularity
        Relative chance that a customer picks it; 0: never sold.
    internal_share
        Part of its use that comes from the provider's own teams, where both are there.
    typical_units
        Mean units per customer and month in a world of about 20,000 accounts; None for foundational services, whose
        volume follows their racks.
    usage_types
        Ways to buy it; the second and third cost less.
    only_in
        Clusters of a non-foundational service; empty: every region but the training campus.
    """

    service_id: str
    product_code: str
    service_name: str
    usage_unit: str
    price_usd: float
    popularity: float
    internal_share: float
    typical_units: float | None = None
    usage_types: tuple[str, ...] = ("standard",)
    only_in: tuple[str, ...] = ()

    @property
    def is_foundational(self) -> bool:
        """Whether it has racks of its own."""
        return self.typical_units is None


_BUY = ("on-demand", "reserved", "spot")
_TIER = ("storage", "storage-infrequent")

SERVICES: tuple[Service, ...] = (
    # Foundational: volume follows the racks.
    Service("vm", "ElasticMachines", "Virtual machines", "vCPU-hours", 0.042, 18, 0.30, usage_types=_BUY),
    Service("objectstore", "ObjectStore", "Object storage", "TB-days", 0.75, 17, 0.25, usage_types=_TIER),
    Service("blockstore", "BlockVolumes", "Block storage volumes", "TB-days", 2.6, 10, 0.35, usage_types=_TIER),
    Service("filestore", "FileShares", "File shares", "TB-days", 1.2, 3, 0.05),
    Service("database", "RelationalDatabase", "Relational database", "vCPU-hours", 0.11, 9, 0.30, usage_types=_BUY[:2]),
    Service("keyvalue", "KeyValueTables", "Key-value database", "million requests", 0.25, 5, 0.35),
    Service("cache", "MemoryCache", "In-memory cache", "vCPU-hours", 0.07, 4, 0.20),
    Service("gpu", "Accelerators", "GPU accelerators", "accelerator-hours", 2.9, 1.5, 0.40, usage_types=_BUY),
    Service("cdn", "EdgeDelivery", "Content delivery network", "TB", 9.0, 5, 0.05, usage_types=("delivery", "origin")),
    Service("dns", "EdgeNames", "Domain names", "million requests", 0.4, 5, 0.10),
    Service("queue", "MessageQueues", "Message queues", "million requests", 0.2, 5, 0.40),
    Service("functions", "Functions", "Serverless functions", "vCPU-hours", 0.09, 7, 0.20),
    Service("warehouse", "DataWarehouse", "Data warehouse", "vCPU-hours", 0.17, 2, 0.10),
    Service("search", "SearchIndexes", "Search indexes", "vCPU-hours", 0.12, 2, 0.20),
    Service("loadbalancer", "LoadBalancers", "Load balancers", "TB", 2.5, 5, 0.30),
    Service("identity", "IdentityDirectory", "Identity and access", "million requests", 0.2, 3, 0.40),
    Service("controlplane", "ControlPlane", "Fleet control plane", "million requests", 0.0, 0, 1.0),
    # Non-foundational: run on the others.
    Service("kube", "ManagedClusters", "Managed container clusters", "cluster-hours", 0.1, 4, 0.15, 600),
    Service("batch", "BatchJobs", "Batch computing", "job-hours", 0.03, 2, 0.10, 900),
    Service("monitoring", "Metrics", "Monitoring", "million samples", 0.3, 9, 0.25, 120),
    Service("logs", "LogStreams", "Logs", "GB", 0.5, 8, 0.25, 300),
    Service("apigateway", "ApiGateway", "API gateway", "million requests", 1.1, 4, 0.10, 90),
    Service("inference", "ModelInference", "Model inference", "million tokens", 1.6, 3, 0.08, 350, ("input", "output"),
            ("va-1", "or-1", "de-1", "ie-1", "in-1", "jp-1", TRAINING_CLUSTER)),
    Service("mlstudio", "ModelStudio", "Model development studio", "notebook-hours", 0.4, 1.5, 0.20, 160,
            only_in=("va-1", "or-1", "de-1", "ie-1")),
    Service("speech", "SpeechToText", "Speech recognition", "audio-hours", 0.9, 1.5, 0.0, 80,
            only_in=("va-1", "ie-1", "in-1", "jp-1")),
    Service("workflow", "Workflows", "Workflow orchestration", "million steps", 20.0, 2, 0.10, 3),
    Service("eventbus", "EventBus", "Event bus", "million events", 1.0, 3, 0.15, 60),
    Service("mail", "BulkMail", "E-mail sending", "thousand messages", 0.1, 3, 0.05, 400),
    Service("backup", "Backups", "Backups", "TB-days", 1.5, 4, 0.15, 40),
    Service("datapipe", "DataPipelines", "Data pipelines", "vCPU-hours", 0.35, 2, 0.10, 70),
    Service("dashboards", "Dashboards", "Business dashboards", "reader-hours", 0.3, 2, 0.10, 110),
    Service("iot", "DeviceHub", "Device hub", "million messages", 0.9, 1, 0.0, 50, only_in=("va-1", "de-1", "in-1")),
    Service("artifacts", "ArtifactRegistry", "Artifact registry", "TB-days", 3.0, 2, 0.30, 12),
    Service("secrets", "SecretsVault", "Keys and secrets", "million requests", 3.0, 3, 0.25, 4),
    Service("desktop", "CloudDesktops", "Cloud desktops", "desktop-hours", 0.25, 1.5, 0.10, 500,
            only_in=("va-1", "or-1", "ie-1", "de-1", "in-1")),
)  # fmt: skip

SERVICE_INDEX: Mapping[str, int] = {service.service_id: index for index, service in enumerate(SERVICES)}

# What every team in a region uses, itself included where it is that service.
_COMMON: Mapping[str, float] = {"controlplane": 1.0, "identity": 1.0, "monitoring": 1.0, "logs": 1.0, "secrets": 0.5}

# Consumer -> providers and relative weight of its team among the teams that use the provider. vm and objectstore use
# each other; vm, objectstore, functions and cdn use themselves.
_OWN: Mapping[str, Mapping[str, float]] = {
    "vm": {"vm": 1.5, "objectstore": 2.0, "blockstore": 4.0, "loadbalancer": 0.5},
    "objectstore": {"objectstore": 0.5, "vm": 1.5, "keyvalue": 2.0, "queue": 1.0},
    "blockstore": {"vm": 1.0, "objectstore": 2.0},
    "filestore": {"vm": 0.5, "blockstore": 1.0},
    "database": {"vm": 1.0, "blockstore": 4.0, "objectstore": 1.5},
    "keyvalue": {"vm": 0.8, "objectstore": 0.8, "queue": 0.5},
    "cache": {"vm": 0.4, "objectstore": 0.3},
    "gpu": {"vm": 0.8, "blockstore": 0.8, "objectstore": 0.5},
    "cdn": {"cdn": 1.0, "dns": 2.0, "objectstore": 0.8, "vm": 0.4, "logs": 0.5},
    "dns": {"cdn": 0.5, "keyvalue": 0.3, "vm": 0.1},
    "queue": {"vm": 0.5, "blockstore": 0.8, "objectstore": 0.4},
    "functions": {"functions": 1.0, "vm": 0.6, "queue": 1.0, "loadbalancer": 0.5, "objectstore": 0.3},
    "warehouse": {"objectstore": 1.5, "vm": 0.4, "blockstore": 0.5},
    "search": {"blockstore": 1.0, "objectstore": 0.6, "vm": 0.3},
    "loadbalancer": {"vm": 0.4, "keyvalue": 0.2},
    "identity": {"keyvalue": 1.5, "vm": 0.4, "database": 0.5, "cache": 0.8},
    "controlplane": {"vm": 1.0, "database": 1.0, "queue": 1.0, "workflow": 1.0, "objectstore": 0.4},
    "kube": {"vm": 3.0, "blockstore": 1.0, "loadbalancer": 1.0, "artifacts": 2.0},
    "batch": {"vm": 3.5, "queue": 1.0, "objectstore": 0.4},
    "monitoring": {"vm": 1.5, "keyvalue": 2.5, "objectstore": 1.5, "search": 0.5, "queue": 1.0},
    "logs": {"objectstore": 2.5, "search": 3.0, "queue": 1.5, "vm": 0.8},
    "apigateway": {"functions": 1.0, "loadbalancer": 1.5, "vm": 0.6, "cache": 0.7},
    "inference": {"gpu": 6.0, "vm": 1.5, "objectstore": 1.0, "blockstore": 0.5, "apigateway": 1.0, "kube": 1.0},
    "mlstudio": {"gpu": 2.0, "vm": 1.0, "objectstore": 1.0, "kube": 1.0, "filestore": 1.0, "artifacts": 0.5},
    "speech": {"inference": 2.0, "gpu": 1.0, "objectstore": 0.4, "apigateway": 0.5},
    "workflow": {"functions": 1.5, "keyvalue": 1.0, "queue": 0.8, "eventbus": 1.0},
    "eventbus": {"queue": 2.0, "keyvalue": 0.8, "functions": 0.5},
    "mail": {"vm": 0.5, "queue": 0.8, "objectstore": 0.3, "dns": 0.5},
    "backup": {"objectstore": 3.5, "blockstore": 1.5, "workflow": 0.5, "vm": 0.2},
    "datapipe": {"vm": 1.5, "objectstore": 1.0, "warehouse": 1.5, "workflow": 1.0, "batch": 1.0, "mlstudio": 0.2},
    "dashboards": {"warehouse": 1.5, "cache": 0.5, "vm": 0.4, "inference": 1.0, "datapipe": 0.5},
    "iot": {"queue": 1.0, "keyvalue": 1.0, "functions": 0.8, "eventbus": 1.0},
    "artifacts": {"objectstore": 1.0, "keyvalue": 0.3, "backup": 0.5},
    "secrets": {"database": 0.8, "vm": 0.2, "backup": 0.5},
    "desktop": {"vm": 3.0, "blockstore": 1.5, "filestore": 1.0, "mail": 0.5},
}
USES: Mapping[str, Mapping[str, float]] = {name: {**_COMMON, **own} for name, own in _OWN.items()}

# In these clusters the named services are used by each other only and sold to nobody: what they emit cannot leave.
CLOSED_SETS: Mapping[str, frozenset[str]] = {"fr-1": frozenset({"search", "logs"})}
# Teams with machines in a region where they sell nothing; their customers are at the edge.
CONTROL_PLANES: Mapping[str, frozenset[str]] = {"va-1": frozenset({"cdn", "dns"})}
# Preview without prices: used, but no revenue recorded.
FREE_PREVIEW = ("speech", "jp-1")


def services_in_clusters() -> tuple[Bools, Bools]:
    """Where services run and where they are sold.

    Returns
    -------
    tuple
        Two arrays [service, cluster]: runs, sold. Foundational services run where a rack type of theirs is in use.
    """
    runs = np.zeros((len(SERVICES), len(CLUSTERS)), dtype=np.bool_)
    sold = np.zeros_like(runs)
    for column, cluster in enumerate(CLUSTERS):
        counts = rack_counts(cluster, 1.0)
        used = {name for kind in RACK_TYPES if kind.name in counts and kind.name not in cluster.idle
                for name in kind.services}  # fmt: skip
        closed = CLOSED_SETS.get(cluster.cluster_id, frozenset())
        for row, service in enumerate(SERVICES):
            if service.is_foundational:
                runs[row, column] = service.service_id in used
            elif service.only_in:
                runs[row, column] = cluster.cluster_id in service.only_in
            else:
                runs[row, column] = cluster.size > 0
            customers = cluster.cluster_id != TRAINING_CLUSTER and service.service_id not in closed
            sold[row, column] = runs[row, column] and customers and service.popularity > 0
    return runs, sold


def team_edges() -> list[tuple[int, int, int, float]]:
    """Use of services by other services' teams: (cluster, provider, consumer, share of the teams' use), by index.

    Shares of one provider in one cluster add up to 1. Consumers run in the cluster, or have a control plane there.
    """
    runs, _ = services_in_clusters()
    edges: list[tuple[int, int, int, float]] = []
    for column, cluster in enumerate(CLUSTERS):
        present = {service.service_id for row, service in enumerate(SERVICES) if runs[row, column]}
        consumers = [name for name in USES if name in present | CONTROL_PLANES.get(cluster.cluster_id, frozenset())]
        closed = CLOSED_SETS.get(cluster.cluster_id, frozenset())
        for provider in sorted(present, key=SERVICE_INDEX.__getitem__):
            members = [name for name in consumers if provider not in closed or name in closed]
            weights = {name: USES[name][provider] for name in members if provider in USES[name]}
            total = sum(weights.values())
            edges += [(column, SERVICE_INDEX[provider], SERVICE_INDEX[name], weight / total)
                      for name, weight in weights.items()]  # fmt: skip
    return edges

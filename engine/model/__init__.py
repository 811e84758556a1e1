"""The nouns of the engine: frozen values that appear in every signature, with units in their names.

All times called ``*_unix_ns`` are nanoseconds since the epoch, sizes are bytes, and ``None`` means
"does not apply" or "no limit", never "unknown error".
"""

from engine.incidents import Incident, Incidents
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits
from engine.model.cgroup_tree import CgroupNode
from engine.model.container import Chunk, Container, LogLine, State, StreamName
from engine.model.event import Event
from engine.model.finding import Finding
from engine.model.history import History, Series
from engine.model.image import HistoryStep, Image, ImageConfig, Progress
from engine.model.info import Info
from engine.model.layer import Change, Layer, Sighting, TreeEntry
from engine.model.limits_in_force import LimitsInForce
from engine.model.namespaces import (
    ContainerNamespaces,
    IdRange,
    NamespaceAspect,
    NamespaceEntry,
    NamespaceInfo,
    NamespaceKind,
    NamespacePortrait,
    NamespaceRun,
    NamespaceTree,
    NamespaceVisit,
)
from engine.model.network import Attachment, Endpoint, Network, NetworkRequest, Subnet
from engine.model.process import ProcessInfo
from engine.model.published_port import PortProtocol, PublishedPort
from engine.model.request import ContainerRequest, ExecRequest
from engine.model.sample import (
    ContainerSample,
    CpuSample,
    DeviceSample,
    HostSample,
    InterfaceSample,
    IoSample,
    MemorySample,
    NetworkSample,
    PidsSample,
    Snapshot,
)
from engine.model.topology import (
    BridgeNode,
    BridgePort,
    LinkCounters,
    LinkEnd,
    LinkRates,
    NetworkDevice,
    NetworkRoute,
    NetworkSpace,
    PortMap,
    Topology,
    Uplink,
)
from engine.pressure import Pressure, Stall

__all__ = [
    "Attachment",
    "BridgeNode",
    "BridgePort",
    "CgroupNode",
    "CgroupSetting",
    "Change",
    "Chunk",
    "Container",
    "ContainerNamespaces",
    "ContainerRequest",
    "ContainerSample",
    "CpuSample",
    "DeviceLimit",
    "DeviceSample",
    "Endpoint",
    "Event",
    "ExecRequest",
    "Finding",
    "History",
    "HistoryStep",
    "HostSample",
    "HugetlbLimit",
    "IdRange",
    "Image",
    "ImageConfig",
    "Incident",
    "Incidents",
    "Info",
    "InterfaceSample",
    "IoSample",
    "Layer",
    "Limits",
    "LimitsInForce",
    "LinkCounters",
    "LinkEnd",
    "LinkRates",
    "LogLine",
    "MemorySample",
    "NamespaceAspect",
    "NamespaceEntry",
    "NamespaceInfo",
    "NamespaceKind",
    "NamespacePortrait",
    "NamespaceRun",
    "NamespaceTree",
    "NamespaceVisit",
    "Network",
    "NetworkDevice",
    "NetworkRequest",
    "NetworkRoute",
    "NetworkSample",
    "NetworkSpace",
    "PidsSample",
    "PortMap",
    "PortProtocol",
    "Pressure",
    "ProcessInfo",
    "Progress",
    "PublishedPort",
    "Series",
    "Sighting",
    "Snapshot",
    "Stall",
    "State",
    "StreamName",
    "Subnet",
    "Topology",
    "TreeEntry",
    "Uplink",
]

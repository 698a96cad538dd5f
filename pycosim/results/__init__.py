"""What a run leaves behind: spikes, recordings, hardware measurements."""

from pycosim.results.hardware import CoreTable, HardwareRecord, LinkTable, PacketTable
from pycosim.results.run import PopulationInfo, RunResult

__all__ = ["CoreTable", "HardwareRecord", "LinkTable", "PacketTable", "PopulationInfo", "RunResult"]

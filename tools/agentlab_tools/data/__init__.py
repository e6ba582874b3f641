"""SQL over the user's own CSV, Parquet and JSON files, for an agent.

    async with open_data(["sales.csv", "people=staff/*.parquet"]) as data:
        agent = Agent(backend=backend, tools=[data_tool(data)])

The files are read once, into a database of the run's own; they are never written. Every query runs
in a process of its own that has no file but that database, which it can only read, and hard limits
on time and memory: DuckDB's own do not hold against every query.
"""

from agentlab_tools.data.database import Data, DataError, open_data
from agentlab_tools.data.tools import data_tool
from agentlab_tools.data.values import DataLimits, Rows, Table

__all__ = ["Data", "DataError", "DataLimits", "Rows", "Table", "data_tool", "open_data"]

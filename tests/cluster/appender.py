"""A driver that adds lines to the log of runs again and again, taking the lake's lock each time: `appender.py LAKE NAME TIMES`."""

import sys
import time
from datetime import UTC, datetime

from ccft.errors import CcftError
from ccft.lake.lock import writing
from ccft.lake.session import open_session
from ccft.lake.tables import Lake
from ccft.pipeline.due import is_locked
from ccft.schema.spark import struct_type
from ccft.schema.tables import table

root, name, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
lake = Lake(lambda: open_session("appender"), root)
done = 0
while done < times:
    try:
        with writing(lake):
            row = (f"{name}-{done}", "core_clusters", None, done, "", datetime.now(UTC))
            lake.append("ingest_log", lake.spark.createDataFrame([row], struct_type(table("ingest_log"))))
            done += 1
    except CcftError as error:
        if not is_locked(error):
            raise
        time.sleep(0.05)
print(f"{name}: {done} lines")  # noqa: T201 - its result

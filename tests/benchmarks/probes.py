"""Contenders that misbehave in one way each."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def idle(task):
    return lambda: ""


def failing(task):
    def job():
        raise ValueError("no such thing")

    return job


def hanging(task):
    def job():
        subprocess.run([sys.executable, "-c", "import time; time.sleep(3600.25)"], check=True)
        return ""

    return job


def wrong_rows(task):
    def job():
        target = Path(task.out) / "few.parquet"
        pq.write_table(pq.read_table(task.parquet).slice(0, 3), target)
        return str(target)

    return job


def other_columns(task):
    def job():
        target = Path(task.out) / "other.parquet"
        pq.write_table(pa.table({"x": [1]}), target)
        return str(target)

    return job


def busy_child(task):
    code = "import time; held = bytearray(b'x' * 250_000_000); end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"

    def job():
        subprocess.run([sys.executable, "-c", code], check=True)
        return ""

    return job

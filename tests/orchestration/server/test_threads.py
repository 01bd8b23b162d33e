"""Libraries that start threads when they are imported: kept from it, or told to end them, before a fork."""

import os
import subprocess
import sys

import pytest

from orchestration.server.threads import THREADLESS_ENVIRONMENT

FORK = """
import os, sys
import {library}
from orchestration.server.threads import end_idle_threads, leave, other_threads, restore_threads
end_idle_threads()
print(other_threads(), flush=True)
pid = os.fork()
if pid == 0:
    restore_threads()
    {work}
    print("worked")
    leave(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
WORK = {
    "duckdb": "duckdb.sql('select sum(i) from range(3000000) r(i)').fetchall()",
    "numpy": "numpy.linalg.inv(numpy.random.rand(300, 300))",
    "pyarrow.csv": "pyarrow.csv.read_csv(pyarrow.BufferReader(b'a,b' + b'\\n1,2' * 100_000))",
}


@pytest.mark.parametrize("library", WORK)
def test_a_fork_works_with_it_and_ends(library):
    done = subprocess.run(
        [sys.executable, "-c", FORK.format(library=library, work=WORK[library])],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | THREADLESS_ENVIRONMENT,
    )
    assert done.stdout.split("\n") == ["[]", "worked", "3", ""]

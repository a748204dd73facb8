"""CPU time and memory of a process, as the process itself and the kernel see them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from serving.load.process_usage import cpu_seconds, listening_pid, resident_mb


def test_cpu_of_this_process_is_what_it_reads_itself() -> None:
    before = time.process_time()
    measured = cpu_seconds(os.getpid())
    # Between two readings of its own clock; children of earlier tests may add to it.
    assert before <= measured


def test_cpu_and_memory_of_children_count() -> None:
    spin = "import time; b = bytearray(60_000_000)\nwhile time.process_time() < 0.3: pass\n"
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {(spin + 'print(1, flush=True); input()')!r}],"
        " stdin=subprocess.PIPE)\n"
        "input(); child.communicate(b'\\n')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_seconds(process.pid) >= 0.3
        assert resident_mb(process.pid) > 60
        process.communicate(b"\n")


def test_a_process_that_is_not_there_is_named() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    for measure in (cpu_seconds, resident_mb):
        with pytest.raises(ProcessLookupError, match=f"running process, received {process.pid}"):
            measure(process.pid)


def test_the_process_that_listens_on_a_local_address_is_found() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    assert listening_pid(f"127.0.0.1:{port}") == listening_pid(f"localhost:{port}") == os.getpid()
    assert listening_pid(f"192.0.2.1:{port}") is None
    listening.close()
    assert listening_pid(f"127.0.0.1:{port}") is None

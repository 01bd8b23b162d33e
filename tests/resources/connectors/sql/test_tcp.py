"""How long a line is silent, as the system tells it."""

import socket
import time

from resources.connectors.sql.tcp import silence_seconds


def test_what_waits_to_be_read_is_no_silence():
    """A reader that is slow lets its buffer fill up, and then the other side may not send."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = socket.create_connection(listener.getsockname())
        there = listener.accept()[0]
    with here, there:
        there.sendall(b"rows")
        here.recv(1)  # has come
        time.sleep(0.05)
        assert silence_seconds(here) == 0
        here.recv(100)
        assert silence_seconds(here) >= 0.04  # the system counts in ticks

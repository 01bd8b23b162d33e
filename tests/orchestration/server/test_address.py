"""The address to answer at: loopback only, and not somebody else's (T29)."""

import socket

import pytest

from orchestration.server.address import listen, url_of
from resources.kernel.errors import ConfigError, ConflictError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_is_bound(host):
    with listen(host, 0) as listener:
        address, port = listener.getsockname()
        assert address.startswith("127.")
        assert url_of(listener) == f"http://{address}:{port}"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_loopback_of_ipv6_is_bound():
    with listen("::1", 0) as listener:
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "8.8.8.8", "example.com", "", "127.0.0.1:80"]
)
def test_any_other_address_is_refused(host):
    with pytest.raises(ConfigError, match="reverse proxy"):
        listen(host, 0)


def test_a_port_in_use_is_named():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError, match=rf"port {port} .*--port"):
            listen("127.0.0.1", port)

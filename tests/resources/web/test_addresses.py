from __future__ import annotations

import pytest

from resources.kernel.errors import InputError
from resources.web.addresses import check_addresses, check_named, check_url, is_public, shown_url

REFUSED = [
    "", "x", "example.com/a", "//example.com/a", "http://example.com/a", "HTTP://example.com", "file:///etc/passwd",
    "ftp://example.com/a", "gopher://example.com", "data:text/plain,x", "javascript:alert(1)", "https:///a", "https://",
    "https://user@example.com/a", "https://user:pw@example.com/a", "https://example.com@evil.example/", "https://example.com:80/",
    "https://example.com:8443/", "https://example.com:0/", "https://example.com:99999/", "https://exa mple.com/",
    "https://example.com/a\nb", "https://example.com/\\@evil", "https://example.com/a\x00", "https://[::1/a",
    "https://[fe80::1%25eth0]/a", "https://" + "a" * 300 + ".com/", "https://example.com/" + "a" * 20_000,
]  # fmt: skip
HIDDEN = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255",
    "224.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "::127.0.0.1", "2001:db8::1", "64:ff9b:1::1", "", "localhost", "1.2.3",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_may_not_be_asked_is_refused(url):
    with pytest.raises(InputError, match="is refused") as caught:
        check_url(url)
    assert len(str(caught.value)) <= 500
    assert "pw" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://example.com", "example.com", "/"),
        ("HTTPS://Example.COM:443/a b".replace(" ", "%20"), "example.com", "/a%20b"),
        ("https://example.com/été?q=é&x=1#part", "example.com", "/%C3%A9t%C3%A9?q=%C3%A9&x=1"),
        ("https://bücher.example./x", "xn--bcher-kva.example", "/x"),
        ("https://example.com/a%2Fb%zz", "example.com", "/a%2Fb%zz"),
    ],
)
def test_the_parts_of_an_address(url, host, target):
    found = check_url(url)
    assert (found.host, found.target) == (host, target)


@pytest.mark.parametrize("address", HIDDEN)
def test_an_address_that_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_that_is_public(address):
    assert is_public(address)


def test_one_hidden_address_refuses_all():
    with pytest.raises(InputError, match=r"leads to 10\.0\.0\.1"):
        check_addresses("https://x.example", "x.example", ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(InputError, match="has no address"):
        check_addresses("https://x.example", "x.example", [])


def test_what_is_shown_holds_no_password():
    assert shown_url("https://u:secret@example.com/a?token=secret") == "'https://example.com/a'"
    assert "secret" not in shown_url("https://u:secret@example.com")
    assert shown_url("https://example.com#token=secret") == "'https://example.com'"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.7", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost", "a.LOCALHOST", "localhost.", "2130706433", "0x7f.1", "127.1", "0x7f000001"],
)  # fmt: skip
def test_a_host_that_is_seen_to_be_hidden_is_refused_before_it_is_asked(host):
    with pytest.raises(InputError, match=r"not in the public internet|leads to this machine"):
        check_named(f"https://{host}/x")


@pytest.mark.parametrize(
    "host", ["example.com", "1.1.1.1", "[2606:4700::1111]", "0xdead.beef", "3.example"]
)
def test_a_host_that_may_be_public_is_not(host):
    assert check_named(f"https://{host}/").host == host.strip("[]")

"""Files and pages of the public web, by addresses that came from outside: with a specification, or with a task.

```
addresses.py  which addresses may be asked
client.py     one request after another, each to an address that was judged; answers.py: what comes back
objects.py    a file in parts
pages.py      a page, as a polite visitor reads it: robots.txt (robots.py), turns at each site (turns.py), tries again
head.py       what a page says to robots before its text begins; page_names.py: what its answer says it is
sitemaps.py   the pages that a site lists; crawling.py: those that pages lead to
failures.py   the rules that one address can break; visitor.py: who we say we are
```

**What holds.** A user who may name an address can make this process send a request. So a request leaves only by https to
port 443 of a host all of whose addresses are public, and it goes to the very address that was judged. An answer is read
within limits of bytes and time, never decompressed, and is whole or an error (T1 to T6).

**How.** `addresses.py` judges a URL and what a name resolves to. `client.py` looks a name up once, connects to what was
judged, and has the certificate checked against the name; each redirect is a new address. Proxies, `.netrc`, cookies and
credentials of the environment play no part: a request goes to that address alone, and carries nothing of ours.

**To sites we are a guest.** Pages are read under a name that robots.txt can refuse, at a pace that it can set; a server that is busy is
left alone by all threads as long as it says.

**What it costs.** A connection for each request. Who reads much from one place declares a connector for it.

**When it is lost.** Looking up a name may take as long as the system's resolver does, which cannot be interrupted.
"""

"""`waybill up`: one guarded address on loopback with the web UI, the daemon and the code location behind it.

`supervisor.py` starts and ends the processes, `guard/` stands before everything that answers, `web.py` is the only module
that touches Dagster's webserver, `daemon.py` the daemon beside it.
"""

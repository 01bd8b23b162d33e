"""Webhooks: who is told when something ended, and how that is sent.

`declared.py` makes and changes them, `deliveries.py` shows the log, sends once more and tries one out. `secret.py` has what
events are signed with, `sending.py` one try, `courier.py` all of them, in the process of `waybill up`.
"""

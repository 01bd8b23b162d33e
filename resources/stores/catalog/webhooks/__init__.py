"""Who is told when something ended: webhooks, and the outbox of what is to be sent to them.

**What holds.** An event is written down in the transaction that ends its subject (`outbox.note_event`), so a crash loses none;
a delivery is known by its webhook, subject, event and run, so it is written down once however often it is noted. Sending
is claimed for a while (`deliveries.claim`): whoever dies between sending and noting has it sent again later, under the same
id, by which a receiver knows it again.

**How.** `tables.py` has both tables, `records.py` what they hold as values, `webhooks.py` the webhooks, `outbox.py` what comes
in, `deliveries.py` what goes out and the log of it. All work within the caller's transaction.
"""

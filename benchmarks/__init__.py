"""How fast Waybill moves tables, beside the fastest known way and beside other tools: `python -m benchmarks`.

Measurement only. What is measured lives in `resources`; correctness lives in `tests`. The modules that run in the
peers' own environment (`child`, `meter`, `task`, `contenders.peers_*`) import the standard library and their tool.
"""

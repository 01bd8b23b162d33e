"""The HTTP API from Python: `waybill.Client`. What goes wrong is the error that the command line would report."""

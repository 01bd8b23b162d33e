"""Exporters: which there are, whether one could deliver, deliveries asked for, and every delivery that was."""

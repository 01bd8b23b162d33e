"""Exporters: datasets delivered into tables of other systems."""

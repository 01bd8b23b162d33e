"""What the project does: YAML in files named `defs.yaml`, one folder each, and Python files."""

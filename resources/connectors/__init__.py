"""Ways to other systems: one file or folder each. Look connectors up where they are; importing this loads none."""

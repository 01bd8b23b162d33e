"""The users' own definitions: YAML and Python. The demo lives in `flight_delays/`."""

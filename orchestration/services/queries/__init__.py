"""SQL over the datasets of a project: one SELECT at a time, in the sandbox of transforms, within limits, written down."""

"""What the web process answers from: the projects of the workspace, Dagster's instance, the catalog. No users' code."""

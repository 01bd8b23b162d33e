"""Who may do what: users, API tokens, sessions, and the log of what was changed. A module a table."""

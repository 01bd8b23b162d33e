"""Use cases, shared by the command line and whatever else asks. Each returns records, prints nothing."""

"""The HTTP API: routes over use cases, each as thin as a command of the command line."""

"""The routes, a module a noun: each has `router`, whose operations are called as their use cases, `noun.verb`."""

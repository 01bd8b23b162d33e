"""The pages, a module a noun: each has `ROUTES`, made by `page(...)` and called as their use cases, `noun.verb`."""

"""The words of import tasks: what a task is told, the states that it goes through, what can be wrong with an item. Pure: no I/O."""

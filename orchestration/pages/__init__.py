"""The data section in the browser: pages over use cases. They are read and their forms are sent without JavaScript."""

"""Image folders: images of a ZIP, their bytes kept by content, their list a table."""

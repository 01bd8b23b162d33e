"""Image folders: which there are, the images of each, and these on their way out."""

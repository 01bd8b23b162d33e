"""Models trained on datasets, and the predictions they make."""

"""Collections: media and documents, announced by a specification."""

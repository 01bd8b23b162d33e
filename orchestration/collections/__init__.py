"""What takes specifications into collections: the job of each, the sensors that watch a place or publish what a killed run left."""

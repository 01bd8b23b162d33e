"""Classification sets at work: the job that takes a file, the sensor that finds files."""

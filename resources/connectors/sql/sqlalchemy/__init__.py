"""What the databases share that are reached through SQLAlchemy: reading by cursors, writing by INSERT."""

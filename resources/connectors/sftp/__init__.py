"""SFTP: files over SSH."""

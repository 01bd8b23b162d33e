"""Formats: bytes of a file to Arrow batches and back. No transport: files are local here, connectors bring them."""

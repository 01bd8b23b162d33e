"""Where Waybill keeps things: numbered immutable versions of tables, models and embeddings."""

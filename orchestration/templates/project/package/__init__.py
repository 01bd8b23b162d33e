"""PROJECT_NAME: a project of Waybill."""

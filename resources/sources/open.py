"""Opening a datasource: its declaration and its connector make a source that can be looked at and read.

This is where transports and formats meet; connectors themselves know neither sources nor what files hold.
"""

from __future__ import annotations

from resources.connectors.resource import ConnectorResource
from resources.sources.source import DatabaseSource, FileSource, Source
from resources.sources.spec import SourceSpec


def open_source(connector: ConnectorResource, spec: SourceSpec) -> Source:
    """What a data source's declaration means on its connector. Makes no connection yet.

    Raises:
        ConfigError: a path on a database, or a table or query on a place of files.
    """
    if spec.path:
        return FileSource(spec, connector.files())
    return DatabaseSource(spec, connector.tables())

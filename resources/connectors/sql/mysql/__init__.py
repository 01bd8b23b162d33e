"""MySQL and MariaDB: their wire protocol, how they are read and written."""

"""What a database looks like in YAML: what `dg scaffold defs resources.SqlConnector` writes, and one of each kind."""

EXAMPLES = (
    """\
name: warehouse
dialect: sqlite           # or postgresql, mysql, mariadb, duckdb, mssql, oracle, snowflake, bigquery, other
path: warehouse.sqlite    # below Waybill's home folder; or an absolute path
""",
    """\
name: shop
dialect: postgresql
host: db.example.com
port: 5433
database: shop
username: waybill
password: {env: SHOP_PASSWORD}
db_schema: sales
options: {sslmode: verify-full}
connect_timeout_seconds: 5
read_timeout_seconds: 600
lock_timeout_seconds: 60
statement_timeout_seconds: 3600
read_connections: 4
description: Orders and customers
""",
    """\
name: erp
dialect: oracle
host: erp.example.com
service_name: ERPPROD
username: waybill
password: {env: ERP_PASSWORD}
""",
    """\
name: lake_house
dialect: snowflake
account: myorg-account123
database: SALES
warehouse: LOADING
role: LOADER
username: waybill
key_password: {env: LAKE_HOUSE_KEY_PASSWORD}
options: {private_key_file: keys/lake_house.p8}
""",
    """\
name: events
dialect: bigquery
project: example-analytics
dataset: events
credentials_json: {env: EVENTS_KEY}
""",
    """\
name: cockroach
dialect: other
driver: cockroachdb+psycopg
host: cockroach.example.com
database: bank
username: waybill
password: {env: COCKROACH_PASSWORD}
""",
)

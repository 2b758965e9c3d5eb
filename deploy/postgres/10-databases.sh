#!/bin/sh
# Runs once, when the data folder is made: one role and one database per service, and who may come in.
set -eu

for name in identity emr insurance payment; do
    psql -v ON_ERROR_STOP=1 --username postgres --dbname postgres <<SQL
CREATE ROLE $name LOGIN CONNECTION LIMIT 40;
CREATE DATABASE $name OWNER $name TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE $name FROM PUBLIC;
SQL
done

# A service proves itself with its certificate, whose common name is its role, and reaches only the database
# of that name. There is no password to leak, and no way in over the network for the superuser.
cat > "$PGDATA/pg_hba.conf" <<HBA
local   all       postgres                 peer
hostssl sameuser  all       all            cert
HBA

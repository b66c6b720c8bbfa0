#!/bin/sh
# Creates the database and its logins when the container of PostgreSQL starts for the first time:
# the owner, who migrates, and the login of workers and API. Neither is a superuser.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD
create role rowhook_owner login createrole password :'owner_password';
create role rowhook_service login password :'service_password';
create database rowhook owner rowhook_owner encoding 'UTF8' template template0;
revoke connect, temporary on database rowhook from public;
grant connect on database rowhook to rowhook_service;
SQL

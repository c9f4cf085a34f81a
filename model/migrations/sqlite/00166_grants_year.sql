-- +goose Up

-- Grants of a year.
CREATE INDEX grants_year ON grants (year, purse, status);

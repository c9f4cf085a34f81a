-- +goose NO TRANSACTION
-- +goose Up

-- The hall that a cashier sells at.
ALTER TABLE staff ADD COLUMN hall_id BIGINT NULL;

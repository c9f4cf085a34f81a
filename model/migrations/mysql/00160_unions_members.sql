-- +goose NO TRANSACTION
-- +goose Up

-- How many active members are on the union's own roster, kept by whoever changes it.
ALTER TABLE unions ADD COLUMN active_members INT NOT NULL DEFAULT 0;

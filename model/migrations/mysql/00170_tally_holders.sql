-- +goose NO TRANSACTION
-- +goose Up

-- Without its state the rollups are built anew, with the figure that is new. Events that wait in the form of before are counted then.
DELETE FROM tally_state;

-- How many allowances have money left.
ALTER TABLE tally_purses ADD COLUMN holders BIGINT NOT NULL DEFAULT 0; -- allowances with money left, free or held

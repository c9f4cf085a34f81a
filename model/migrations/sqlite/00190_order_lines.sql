-- +goose NO TRANSACTION
-- +goose Up

-- Lines are read by their order, also those of one parcel: an index that each order pays for and nothing needs.
DROP INDEX order_lines_parcel;

-- +goose NO TRANSACTION
-- +goose Up

-- Lines are looked for by their order; nothing looks for them by SKU alone. (On MySQL some columns get a default here; statements of the
-- embedded database name all columns.)
DROP INDEX order_lines_by_sku;

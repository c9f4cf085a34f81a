-- +goose Up

-- Top-ups of before.
UPDATE funds SET topped_up_fen = (SELECT COALESCE(SUM(t.amount_fen), 0) FROM topups t WHERE t.fund_id = funds.id AND t.status = 'confirmed');

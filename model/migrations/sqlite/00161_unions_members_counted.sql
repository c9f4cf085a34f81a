-- +goose Up

-- Rosters of before.
UPDATE unions SET active_members = (SELECT COUNT(*) FROM members m WHERE m.union_id = unions.id AND m.status = 'active');

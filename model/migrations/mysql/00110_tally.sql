-- +goose NO TRANSACTION
-- +goose Up

-- One change of a counted figure, written in the transaction that made the change; waits until a worker has added it to the rollups.
CREATE TABLE IF NOT EXISTS tally_events (
  id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL, -- order | group | refund | ungroup | spend | back | sign | fund | grant | revoke | sweep | claim | move
  ref_id BIGINT NOT NULL, -- order and group: the order; refund and ungroup: the refund; else 0
  member_id BIGINT NOT NULL, -- order: who bought; else 0
  union_id BIGINT NOT NULL, -- whose figures change; move: which union was moved
  year INT NOT NULL, -- of the money; move: 0
  channel_id BIGINT NOT NULL, -- the form's row; 0: row 2, the product's own platform
  purse VARCHAR(16) NOT NULL, -- of purse_fen; empty: none
  times BIGINT NOT NULL, -- 人次, signed
  amount_fen BIGINT NOT NULL, -- 消费总金额, signed
  wechat_fen BIGINT NOT NULL, -- of it, signed
  invested_fen BIGINT NOT NULL,
  purse_fen BIGINT NOT NULL, -- what the kind moves of the purse, signed
  at DATETIME(3) NOT NULL, -- as the form counts it
  done TINYINT(1) NOT NULL, -- the rollups have it
  PRIMARY KEY (id),
  KEY tally_events_queue (done, at)
);

-- Whether the rollups can be used; the one row (id 1) is locked by whoever changes them.
CREATE TABLE IF NOT EXISTS tally_state (
  id BIGINT NOT NULL,
  status VARCHAR(16) NOT NULL, -- building | ready
  token BIGINT NOT NULL, -- of the rebuild that made them or is making them
  purged_to DATETIME(3) NOT NULL, -- events that are done and before this moment may be gone
  built_at DATETIME(3) NOT NULL, -- when the present rebuild began
  PRIMARY KEY (id)
);

-- Where the rollups have a union in the tree; follows unions.path as soon as the move has been taken from the queue.
CREATE TABLE IF NOT EXISTS tally_nodes (
  union_id BIGINT NOT NULL,
  path VARCHAR(400) NOT NULL,
  PRIMARY KEY (union_id),
  KEY tally_nodes_path (path)
);

-- What one union (without those below it) adds to the statistics forms of a year.
CREATE TABLE IF NOT EXISTS tally_forms (
  year INT NOT NULL,
  union_id BIGINT NOT NULL,
  channel_id BIGINT NOT NULL, -- 0: row 2
  times BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  invested_fen BIGINT NOT NULL,
  PRIMARY KEY (year, union_id, channel_id)
);

-- The part of tally_forms that falls on one China day, or in one month.
CREATE TABLE IF NOT EXISTS tally_days (
  year INT NOT NULL,
  day INT NOT NULL, -- yyyymmdd, or yyyymm for the whole month; it may lie after the year
  union_id BIGINT NOT NULL,
  channel_id BIGINT NOT NULL,
  times BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  invested_fen BIGINT NOT NULL,
  PRIMARY KEY (year, day, union_id, channel_id)
);

-- What was bought in a union and all below it in a China month.
CREATE TABLE IF NOT EXISTS tally_months (
  node_id BIGINT NOT NULL,
  year INT NOT NULL,
  month INT NOT NULL, -- yyyymm; 0: buyers alone
  buyers BIGINT NOT NULL, -- memberships that bought in the year, in month 0
  orders BIGINT NOT NULL,
  times BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  wechat_fen BIGINT NOT NULL, -- of paid
  refunds BIGINT NOT NULL,
  refunded_fen BIGINT NOT NULL,
  refunded_wechat_fen BIGINT NOT NULL, -- of refunded
  claims BIGINT NOT NULL,
  claimed_times BIGINT NOT NULL,
  claimed_fen BIGINT NOT NULL,
  PRIMARY KEY (node_id, year, month)
);

-- What was bought of a product in a union and all below it in a year.
CREATE TABLE IF NOT EXISTS tally_goods (
  node_id BIGINT NOT NULL,
  year INT NOT NULL,
  product_id BIGINT NOT NULL, -- 0: typed at a counter
  supplier_id BIGINT NOT NULL,
  region_id BIGINT NOT NULL, -- 0: typed at a counter
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  refunded_quantity BIGINT NOT NULL,
  refunded_fen BIGINT NOT NULL,
  PRIMARY KEY (node_id, year, product_id, supplier_id, region_id)
);

-- What became of a purse's money of a year in a union and all below it.
CREATE TABLE IF NOT EXISTS tally_purses (
  node_id BIGINT NOT NULL,
  year INT NOT NULL,
  purse VARCHAR(16) NOT NULL,
  funded_fen BIGINT NOT NULL, -- put into funds
  granted_fen BIGINT NOT NULL, -- out of funds into allowances
  returned_fen BIGINT NOT NULL, -- out of allowances, or refunded past them, into funds
  spent_fen BIGINT NOT NULL, -- out of allowances, less refunds
  group_fen BIGINT NOT NULL, -- out of funds for group orders, less refunds
  PRIMARY KEY (node_id, year, purse)
);

-- A membership that has bought in a year.
CREATE TABLE IF NOT EXISTS tally_buyers (
  year INT NOT NULL,
  member_id BIGINT NOT NULL,
  PRIMARY KEY (year, member_id)
);

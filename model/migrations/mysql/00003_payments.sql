-- +goose NO TRANSACTION
-- +goose Up

-- How a pending order is going to be paid: one row per source and supplier. Captured rows have become transfers.
CREATE TABLE IF NOT EXISTS holds (
  id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  allowance_id BIGINT NULL, -- NULL: the part that WeChat money pays
  union_id BIGINT NOT NULL,
  purse VARCHAR(16) NOT NULL, -- empty: WeChat money
  year INT NOT NULL,
  amount_fen BIGINT NOT NULL,
  status VARCHAR(16) NOT NULL, -- held | captured | released
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY holds_part (order_id, supplier_id, allowance_id),
  KEY holds_allowance (allowance_id, status)
);

-- The WeChat payment of one order.
CREATE TABLE IF NOT EXISTS payments (
  id BIGINT NOT NULL,
  payment_no VARCHAR(32) NOT NULL, -- out_trade_no
  order_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL, -- asked for
  status VARCHAR(16) NOT NULL, -- created | prepaid | paid | closed
  pay_before DATETIME(3) NOT NULL,
  prepay_id VARCHAR(80) NOT NULL,
  prepaid_at DATETIME(3) NULL,
  transaction_id VARCHAR(40) NOT NULL, -- WeChat's number
  paid_fen BIGINT NOT NULL, -- what WeChat says was paid
  paid_at DATETIME(3) NULL, -- when, says WeChat
  closed_at DATETIME(3) NULL, -- when WeChat confirmed that it can no longer be paid
  problem VARCHAR(200) NOT NULL, -- in Chinese: what somebody should look at
  attempts INT NOT NULL, -- of asking WeChat since something last changed
  next_try_at DATETIME(3) NULL, -- when to ask WeChat again; NULL: nothing to ask
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY payments_no (payment_no),
  UNIQUE KEY payments_order (order_id),
  KEY payments_due (next_try_at),
  KEY payments_status (status, id)
);

-- WeChat money on its way back to its payer: one row, one number, however often it is tried.
CREATE TABLE IF NOT EXISTS wechat_refunds (
  id BIGINT NOT NULL,
  refund_no VARCHAR(64) NOT NULL, -- out_refund_no
  payment_id BIGINT NOT NULL,
  refund_id BIGINT NULL, -- NULL: money that came for an order which was closed, or too much
  union_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  reason VARCHAR(80) NOT NULL, -- shown to the payer
  status VARCHAR(16) NOT NULL, -- waiting | processing | done | failed
  wechat_refund_id VARCHAR(40) NOT NULL,
  problem VARCHAR(200) NOT NULL, -- in Chinese, when failed
  attempts INT NOT NULL,
  next_try_at DATETIME(3) NULL,
  done_at DATETIME(3) NULL, -- when, says WeChat
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY wechat_refunds_no (refund_no),
  UNIQUE KEY wechat_refunds_refund (refund_id),
  KEY wechat_refunds_payment (payment_id),
  KEY wechat_refunds_due (next_try_at),
  KEY wechat_refunds_status (status, id)
);

-- What was given back, line by line.
CREATE TABLE IF NOT EXISTS refund_lines (
  id BIGINT NOT NULL,
  refund_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  line_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  restocked TINYINT(1) NOT NULL, -- the goods went back on the shelf
  PRIMARY KEY (id),
  UNIQUE KEY refund_lines_line (refund_id, line_id),
  KEY refund_lines_order (order_id)
);

-- Refunds of before, which were of whole orders.
INSERT INTO refund_lines (id, refund_id, order_id, line_id, quantity, amount_fen, restocked)
SELECT l.id, r.id, r.order_id, l.id, l.quantity, l.amount_fen, 1 FROM refunds r JOIN order_lines l ON l.order_id = r.order_id
WHERE NOT EXISTS (SELECT 1 FROM (SELECT id FROM refund_lines) x WHERE x.id = l.id);

UPDATE stock_movements SET cause = CONCAT('refund_line:', SUBSTR(cause, 6)) WHERE kind = 'return' AND cause LIKE 'line:%';

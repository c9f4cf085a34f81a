-- +goose NO TRANSACTION
-- +goose Up

-- A member or a union asks a supplier for an invoice for what it paid, net of refunds.
CREATE TABLE IF NOT EXISTS invoice_requests (
  id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL, -- of the orders, for scope
  person_id BIGINT NOT NULL, -- who asks; 0: the union
  title_kind VARCHAR(16) NOT NULL, -- personal | unit
  title VARCHAR(120) NOT NULL, -- 抬头
  tax_no VARCHAR(20) NOT NULL, -- 统一社会信用代码 of a unit; empty of a person
  amount_fen BIGINT NOT NULL, -- sum of its orders: as asked for, then as issued
  red_fen BIGINT NOT NULL, -- of that taken back by red invoices
  status VARCHAR(16) NOT NULL, -- requested | issued | voided | rejected | cancelled
  reason VARCHAR(200) NOT NULL, -- why rejected
  requested_by VARCHAR(40) NOT NULL, -- "person:1", "staff:2"
  requested_at DATETIME(3) NOT NULL,
  decided_by BIGINT NULL, -- the supplier's account that issued or rejected it
  decided_at DATETIME(3) NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY invoice_requests_supplier (supplier_id, status, id),
  KEY invoice_requests_union (union_id, id),
  KEY invoice_requests_person (person_id, id)
);

-- The orders that a request is about.
CREATE TABLE IF NOT EXISTS invoice_request_orders (
  request_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  live_order_id BIGINT NULL, -- the same while the request is open or issued, else NULL: one live request an order and supplier
  amount_fen BIGINT NOT NULL, -- net of refunds: as asked for, then as issued
  PRIMARY KEY (request_id, order_id),
  UNIQUE KEY invoice_request_orders_live (live_order_id, supplier_id),
  KEY invoice_request_orders_order (order_id)
);

-- The invoices that suppliers uploaded. Never changed, never deleted.
CREATE TABLE IF NOT EXISTS invoices (
  id BIGINT NOT NULL,
  request_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL, -- normal | red
  invoice_code VARCHAR(20) NOT NULL, -- of a bill with a code and a number, else empty
  invoice_no VARCHAR(40) NOT NULL,
  number_key VARCHAR(64) NOT NULL, -- code and number: one bill is uploaded once in the city
  issued_on VARCHAR(10) NOT NULL, -- China date
  amount_fen BIGINT NOT NULL, -- of a red one what it takes back
  file_id BIGINT NOT NULL,
  uploaded_by BIGINT NOT NULL,
  uploaded_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY invoices_number (number_key),
  KEY invoices_request (request_id, id)
);

-- +goose Up

-- One node of the union tree (city federation, county or industry federation, grassroots union).
CREATE TABLE IF NOT EXISTS unions (
  id BIGINT NOT NULL,
  parent_id BIGINT NULL, -- NULL only for the root, the city federation
  name VARCHAR(120) NOT NULL,
  kind VARCHAR(16) NOT NULL, -- city | county | industry | grassroots
  path VARCHAR(400) NOT NULL, -- "/root/…/id/": the ids from the root down to this node
  depth INT NOT NULL, -- 0 for the root
  status VARCHAR(16) NOT NULL, -- active | closed
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS unions_sibling_name ON unions (parent_id, name);
CREATE INDEX IF NOT EXISTS unions_path ON unions (path);

-- Where a union stood in the tree and when; the row without an end is where it stands now.
CREATE TABLE IF NOT EXISTS union_paths (
  union_id BIGINT NOT NULL,
  from_at DATETIME NOT NULL,
  to_at DATETIME NULL,
  path VARCHAR(400) NOT NULL,
  PRIMARY KEY (union_id, from_at)
);
CREATE INDEX IF NOT EXISTS union_paths_path ON union_paths (path);

-- The human being behind one or more memberships; the yearly cap is the person's.
CREATE TABLE IF NOT EXISTS persons (
  id BIGINT NOT NULL,
  id_number_sealed VARCHAR(255) NOT NULL,
  id_number_hash VARCHAR(64) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS persons_id_number ON persons (id_number_hash);

-- A person on one union's roster.
CREATE TABLE IF NOT EXISTS members (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  name VARCHAR(60) NOT NULL,
  phone_sealed VARCHAR(255) NOT NULL,
  phone_hash VARCHAR(64) NOT NULL,
  employee_no VARCHAR(40) NOT NULL,
  department VARCHAR(80) NOT NULL,
  status VARCHAR(16) NOT NULL, -- active | left
  joined_at DATETIME NOT NULL,
  left_at DATETIME NULL,
  left_reason VARCHAR(200) NOT NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS members_person ON members (union_id, person_id);
CREATE INDEX IF NOT EXISTS members_by_person ON members (person_id);
CREATE INDEX IF NOT EXISTS members_phone ON members (phone_hash);
CREATE INDEX IF NOT EXISTS members_union_status ON members (union_id, status, id);

-- One upload of a roster spreadsheet, from preview to import.
CREATE TABLE IF NOT EXISTS roster_imports (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  file_id BIGINT NOT NULL,
  filename VARCHAR(200) NOT NULL,
  status VARCHAR(16) NOT NULL, -- uploaded | previewing | previewed | importing | imported | failed | cancelled
  error VARCHAR(500) NOT NULL, -- in Chinese, when failed
  note VARCHAR(500) NOT NULL, -- in Chinese: what of the file was left out
  total_rows INT NOT NULL,
  done_rows INT NOT NULL, -- progress of the present step
  new_rows INT NOT NULL,
  changed_rows INT NOT NULL,
  unchanged_rows INT NOT NULL,
  wrong_rows INT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  imported_by BIGINT NULL,
  imported_at DATETIME NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS roster_imports_union ON roster_imports (union_id, id);

-- One row of an uploaded roster with its verdict.
CREATE TABLE IF NOT EXISTS roster_rows (
  import_id BIGINT NOT NULL,
  row_no INT NOT NULL, -- as the person sees it in the spreadsheet
  verdict VARCHAR(16) NOT NULL, -- new | changed | unchanged | wrong
  reason VARCHAR(500) NOT NULL, -- what changes, or what is wrong, in Chinese
  name VARCHAR(120) NOT NULL,
  phone_sealed VARCHAR(255) NOT NULL,
  phone_hash VARCHAR(64) NOT NULL,
  id_number_sealed VARCHAR(255) NOT NULL,
  id_number_hash VARCHAR(64) NOT NULL,
  employee_no VARCHAR(120) NOT NULL,
  department VARCHAR(160) NOT NULL,
  imported TINYINT(1) NOT NULL,
  PRIMARY KEY (import_id, row_no)
);
CREATE INDEX IF NOT EXISTS roster_rows_verdict ON roster_rows (import_id, verdict, row_no);

-- A WeChat account that has logged in; bound to at most one person, and a person to at most one account.
CREATE TABLE IF NOT EXISTS wechat_accounts (
  id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  union_openid VARCHAR(64) NOT NULL, -- WeChat's unionid, empty if none
  person_id BIGINT NULL,
  bound_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS wechat_accounts_openid ON wechat_accounts (openid);
CREATE UNIQUE INDEX IF NOT EXISTS wechat_accounts_person ON wechat_accounts (person_id);

-- Agreement of a WeChat account to one version of the privacy notice.
CREATE TABLE IF NOT EXISTS consents (
  id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL, -- privacy
  version VARCHAR(20) NOT NULL,
  agreed_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS consents_once ON consents (account_id, kind, version);

-- A binding that did not match the roster, waiting for a union admin to decide.
CREATE TABLE IF NOT EXISTS binding_requests (
  id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  name VARCHAR(60) NOT NULL,
  phone_sealed VARCHAR(255) NOT NULL,
  id_last6_sealed VARCHAR(255) NOT NULL,
  reason VARCHAR(200) NOT NULL, -- why it did not match, in Chinese
  status VARCHAR(16) NOT NULL, -- pending | approved | rejected | withdrawn (the member asked anew or was found)
  open_account_id BIGINT NULL, -- the account while pending, then NULL: at most one open request each
  member_id BIGINT NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME NULL,
  decision_note VARCHAR(200) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS binding_requests_open ON binding_requests (open_account_id);
CREATE INDEX IF NOT EXISTS binding_requests_union ON binding_requests (union_id, status, id);

-- Counted attempts (binding guesses, logins), so that limits hold without Redis.
CREATE TABLE IF NOT EXISTS attempts (
  subject VARCHAR(100) NOT NULL, -- "binding:account:123", "login:ip:…": never personal data
  window_start DATETIME NOT NULL,
  count INT NOT NULL,
  PRIMARY KEY (subject, window_start)
);

-- A login of a member's WeChat account or of a staff account. The token itself is never stored.
CREATE TABLE IF NOT EXISTS sessions (
  id BIGINT NOT NULL,
  token_hash VARCHAR(64) NOT NULL,
  csrf_hash VARCHAR(64) NOT NULL, -- staff only
  audience VARCHAR(16) NOT NULL, -- member | staff
  subject_id BIGINT NOT NULL, -- wechat_accounts.id or staff.id
  second_factor TINYINT(1) NOT NULL,
  created_at DATETIME NOT NULL,
  last_seen_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL, -- absolute end
  revoked_at DATETIME NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_token ON sessions (token_hash);
CREATE INDEX IF NOT EXISTS sessions_subject ON sessions (audience, subject_id);

-- A console account.
CREATE TABLE IF NOT EXISTS staff (
  id BIGINT NOT NULL,
  login VARCHAR(40) NOT NULL, -- lower case
  name VARCHAR(60) NOT NULL,
  role VARCHAR(32) NOT NULL, -- see service/identity
  union_id BIGINT NOT NULL, -- root of the subtree that this person may see
  supplier_id BIGINT NULL, -- suppliers' own accounts only
  password_hash VARCHAR(200) NOT NULL, -- argon2id
  must_change_password TINYINT(1) NOT NULL,
  totp_secret_sealed VARCHAR(255) NOT NULL,
  totp_enrolled_at DATETIME NULL,
  totp_last_step BIGINT NOT NULL, -- last accepted time step: a code works once
  failed_logins INT NOT NULL,
  locked_until DATETIME NULL,
  status VARCHAR(16) NOT NULL, -- active | disabled
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS staff_login ON staff (login);
CREATE INDEX IF NOT EXISTS staff_union ON staff (union_id);

-- A person's delivery address.
CREATE TABLE IF NOT EXISTS addresses (
  id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  consignee VARCHAR(60) NOT NULL,
  phone_sealed VARCHAR(255) NOT NULL,
  province VARCHAR(40) NOT NULL,
  city VARCHAR(40) NOT NULL,
  district VARCHAR(40) NOT NULL,
  detail_sealed VARCHAR(1000) NOT NULL,
  is_default TINYINT(1) NOT NULL,
  deleted_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS addresses_person ON addresses (person_id, id);

-- One year of a notice: the basis for granting money in that year.
CREATE TABLE IF NOT EXISTS policies (
  id BIGINT NOT NULL,
  year INT NOT NULL,
  document_no VARCHAR(60) NOT NULL, -- e.g. 湛工总〔2023〕25号
  upstream_document_no VARCHAR(60) NOT NULL, -- e.g. 粤工总〔2023〕22号
  title VARCHAR(200) NOT NULL,
  cap_fen BIGINT NOT NULL, -- per person and year, extra purse
  starts_on VARCHAR(10) NOT NULL, -- China date, inclusive
  ends_on VARCHAR(10) NOT NULL, -- China date, inclusive
  demo TINYINT(1) NOT NULL, -- true: made for the demonstration, not a real notice
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS policies_year ON policies (year);

-- A reporting date of a policy: the form covers 1 January of the year to the due date.
CREATE TABLE IF NOT EXISTS reporting_periods (
  id BIGINT NOT NULL,
  policy_id BIGINT NOT NULL,
  year INT NOT NULL,
  seq INT NOT NULL, -- 1, 2, 3
  name VARCHAR(60) NOT NULL,
  due_on VARCHAR(10) NOT NULL, -- China date; figures run to the end of this day
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS reporting_periods_seq ON reporting_periods (year, seq);

-- A union's money for a purse and year.
CREATE TABLE IF NOT EXISTS funds (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  purse VARCHAR(16) NOT NULL, -- extra | festival | hardship | activity
  year INT NOT NULL,
  balance_fen BIGINT NOT NULL CHECK (balance_fen >= 0),
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS funds_purse ON funds (union_id, purse, year);

-- Money put into a fund: entered by one person, confirmed by another.
CREATE TABLE IF NOT EXISTS topups (
  id BIGINT NOT NULL,
  fund_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  evidence_no VARCHAR(80) NOT NULL, -- number of the bank voucher
  live_evidence_no VARCHAR(80) NULL, -- the same until rejected, then NULL: one voucher counts once, a rejected one may be entered anew
  evidence_file_id BIGINT NULL,
  note VARCHAR(200) NOT NULL,
  status VARCHAR(16) NOT NULL, -- entered | confirmed | rejected
  entered_by BIGINT NOT NULL,
  entered_at DATETIME NOT NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME NULL,
  decision_note VARCHAR(200) NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS topups_evidence ON topups (union_id, live_evidence_no);
CREATE INDEX IF NOT EXISTS topups_fund ON topups (fund_id, id);
CREATE INDEX IF NOT EXISTS topups_union ON topups (union_id, status, id);

-- One act of issuing from a fund to many members.
CREATE TABLE IF NOT EXISTS grants (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  fund_id BIGINT NOT NULL,
  purse VARCHAR(16) NOT NULL,
  year INT NOT NULL,
  title VARCHAR(100) NOT NULL,
  selection VARCHAR(16) NOT NULL, -- roster | filter | list
  filter_json TEXT NOT NULL,
  amount_fen BIGINT NOT NULL, -- per member; 0 for a list with amounts of its own
  status VARCHAR(16) NOT NULL, -- preparing | draft | approved | issuing | issued | rejected | cancelled
  total_items INT NOT NULL,
  done_items INT NOT NULL,
  issued_items INT NOT NULL, -- in full
  cut_items INT NOT NULL,
  skipped_items INT NOT NULL,
  total_fen BIGINT NOT NULL, -- asked for
  issued_fen BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME NULL,
  decision_note VARCHAR(200) NOT NULL,
  issued_at DATETIME NULL,
  stop_reason VARCHAR(300) NOT NULL, -- why preparing or issuing stopped half way, in Chinese
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS grants_union ON grants (union_id, id);
CREATE INDEX IF NOT EXISTS grants_fund ON grants (fund_id, id);

-- What one member gets from a grant, and what came of it.
CREATE TABLE IF NOT EXISTS grant_items (
  id BIGINT NOT NULL,
  grant_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  asked_fen BIGINT NOT NULL,
  issued_fen BIGINT NOT NULL,
  status VARCHAR(16) NOT NULL, -- pending | issued | cut | skipped
  reason VARCHAR(200) NOT NULL, -- why cut or skipped, in Chinese
  allowance_id BIGINT NULL,
  decided_at DATETIME NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS grant_items_member ON grant_items (grant_id, member_id);
CREATE INDEX IF NOT EXISTS grant_items_status ON grant_items (grant_id, status, member_id);

-- How much of the extra purse a person has been granted in a year, over all unions: the cap's own row.
CREATE TABLE IF NOT EXISTS person_caps (
  person_id BIGINT NOT NULL,
  year INT NOT NULL,
  granted_fen BIGINT NOT NULL CHECK (granted_fen >= 0), -- grants less revocations
  PRIMARY KEY (person_id, year)
);

-- What one member holds for a purse and year.
CREATE TABLE IF NOT EXISTS allowances (
  id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  fund_id BIGINT NOT NULL,
  purse VARCHAR(16) NOT NULL,
  year INT NOT NULL,
  balance_fen BIGINT NOT NULL CHECK (balance_fen >= 0), -- free to spend
  held_fen BIGINT NOT NULL CHECK (held_fen >= 0), -- held for orders that await a payment; not part of balance_fen
  status VARCHAR(16) NOT NULL, -- active | revoked | ended
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS allowances_member ON allowances (member_id, purse, year);
CREATE INDEX IF NOT EXISTS allowances_person ON allowances (person_id, year, id);
CREATE INDEX IF NOT EXISTS allowances_fund ON allowances (fund_id, status, id);

-- One movement of money between two accounts; never changed, never deleted.
CREATE TABLE IF NOT EXISTS transfers (
  id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL, -- fund | grant | spend | refund | revoke | sweep | settle | pay …
  cause VARCHAR(80) NOT NULL, -- what made it, unique within the kind: "topup:123"
  debit_account VARCHAR(32) NOT NULL, -- money leaves: "bank", "fund:1", "allowance:2", "supplier:3"
  credit_account VARCHAR(32) NOT NULL, -- money arrives
  amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
  purse VARCHAR(16) NOT NULL,
  year INT NOT NULL,
  union_id BIGINT NOT NULL, -- the union whose money it is
  order_id BIGINT NULL,
  at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS transfers_cause ON transfers (kind, cause);
CREATE INDEX IF NOT EXISTS transfers_debit ON transfers (debit_account, id);
CREATE INDEX IF NOT EXISTS transfers_credit ON transfers (credit_account, id);
CREATE INDEX IF NOT EXISTS transfers_order ON transfers (order_id);

-- One run of the year's end.
CREATE TABLE IF NOT EXISTS sweeps (
  id BIGINT NOT NULL,
  year INT NOT NULL,
  status VARCHAR(16) NOT NULL, -- running | done
  swept_allowances INT NOT NULL,
  swept_fen BIGINT NOT NULL,
  started_by BIGINT NULL, -- NULL: by the clock
  started_at DATETIME NOT NULL,
  finished_at DATETIME NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS sweeps_year ON sweeps (year);

-- A recognised place to buy.
CREATE TABLE IF NOT EXISTS channels (
  id BIGINT NOT NULL,
  level VARCHAR(16) NOT NULL, -- province | city | unit
  no VARCHAR(8) NOT NULL, -- number in the notice's list
  name VARCHAR(120) NOT NULL,
  operator VARCHAR(120) NOT NULL,
  url VARCHAR(255) NOT NULL,
  form_row INT NOT NULL, -- row of the statistics form, 1 to 8
  status VARCHAR(16) NOT NULL, -- active | closed
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS channels_no ON channels (level, no);

-- A place that products come from, and whether the city is paired with it for assistance.
CREATE TABLE IF NOT EXISTS regions (
  id BIGINT NOT NULL,
  name VARCHAR(80) NOT NULL,
  province VARCHAR(40) NOT NULL,
  paired TINYINT(1) NOT NULL,
  pairing_note VARCHAR(200) NOT NULL, -- shown to members: why it comes first
  status VARCHAR(16) NOT NULL, -- active | closed
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS regions_name ON regions (province, name);

CREATE TABLE IF NOT EXISTS suppliers (
  id BIGINT NOT NULL,
  name VARCHAR(120) NOT NULL,
  credit_code VARCHAR(18) NOT NULL, -- 统一社会信用代码
  contact VARCHAR(60) NOT NULL,
  contact_phone_sealed VARCHAR(255) NOT NULL,
  status VARCHAR(16) NOT NULL, -- active | suspended
  suspend_reason VARCHAR(200) NOT NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS suppliers_credit_code ON suppliers (credit_code);

-- A supplier's licence or a product's certificate, with its validity.
CREATE TABLE IF NOT EXISTS certificates (
  id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  product_id BIGINT NULL, -- NULL: the supplier's own licence
  kind VARCHAR(32) NOT NULL, -- business_licence | food_licence | assistance_product
  number VARCHAR(80) NOT NULL,
  issuer VARCHAR(120) NOT NULL,
  valid_from VARCHAR(10) NOT NULL, -- China date, inclusive
  valid_until VARCHAR(10) NOT NULL, -- China date, inclusive
  file_id BIGINT NULL,
  status VARCHAR(16) NOT NULL, -- active | withdrawn
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS certificates_supplier ON certificates (supplier_id, product_id, kind);
CREATE INDEX IF NOT EXISTS certificates_product ON certificates (product_id, kind);

CREATE TABLE IF NOT EXISTS products (
  id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  region_id BIGINT NOT NULL,
  name VARCHAR(120) NOT NULL,
  category VARCHAR(40) NOT NULL,
  description TEXT NOT NULL,
  status VARCHAR(16) NOT NULL, -- draft | on | off
  off_reason VARCHAR(200) NOT NULL,
  sold_count BIGINT NOT NULL, -- shown and sorted by; counted from orders now and then, never relied upon
  min_price_fen BIGINT NOT NULL, -- lowest price among its SKUs on sale, for sorting
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS products_supplier ON products (supplier_id, id);
CREATE INDEX IF NOT EXISTS products_status ON products (status, category);
CREATE INDEX IF NOT EXISTS products_region ON products (region_id, status);

CREATE TABLE IF NOT EXISTS product_pictures (
  product_id BIGINT NOT NULL,
  seq INT NOT NULL,
  file_id BIGINT NOT NULL,
  PRIMARY KEY (product_id, seq)
);

CREATE TABLE IF NOT EXISTS skus (
  id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  spec VARCHAR(80) NOT NULL, -- e.g. 5kg/箱
  price_fen BIGINT NOT NULL CHECK (price_fen > 0),
  status VARCHAR(16) NOT NULL, -- on | off
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS skus_spec ON skus (product_id, spec);

-- What can be sold of a SKU now; a row of its own because checkout locks it.
CREATE TABLE IF NOT EXISTS stocks (
  sku_id BIGINT NOT NULL,
  on_hand BIGINT NOT NULL CHECK (on_hand >= 0),
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (sku_id)
);

-- One movement of stock; on_hand is their sum. Never changed, never deleted.
CREATE TABLE IF NOT EXISTS stock_movements (
  id BIGINT NOT NULL,
  sku_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL, -- receive | sell | return | adjust
  cause VARCHAR(80) NOT NULL, -- unique within the kind: "line:123"
  quantity BIGINT NOT NULL, -- signed: sells are negative
  note VARCHAR(200) NOT NULL,
  actor VARCHAR(40) NOT NULL,
  at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS stock_movements_cause ON stock_movements (kind, cause);
CREATE INDEX IF NOT EXISTS stock_movements_sku ON stock_movements (sku_id, id);

-- A stored picture or document; the bytes are in the file store.
CREATE TABLE IF NOT EXISTS files (
  id BIGINT NOT NULL,
  store_key VARCHAR(120) NOT NULL,
  kind VARCHAR(16) NOT NULL, -- picture | evidence | certificate | roster | grant
  name VARCHAR(200) NOT NULL,
  content_type VARCHAR(80) NOT NULL,
  size BIGINT NOT NULL, -- bytes
  sha256 VARCHAR(64) NOT NULL,
  union_id BIGINT NULL, -- whose it is: a union's …
  supplier_id BIGINT NULL, -- … or a supplier's
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS files_key ON files (store_key);

-- One purchase by one member.
CREATE TABLE IF NOT EXISTS orders (
  id BIGINT NOT NULL,
  order_no VARCHAR(24) NOT NULL, -- shown to people
  person_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL, -- the member's union at the time: the form counts it here
  channel_id BIGINT NOT NULL, -- the form's row
  year INT NOT NULL, -- of the allowance spent
  status VARCHAR(16) NOT NULL, -- paid | shipped | completed | cancelled (later: pending, closed)
  goods_fen BIGINT NOT NULL, -- sum of lines
  allowance_fen BIGINT NOT NULL, -- paid from allowances
  wechat_fen BIGINT NOT NULL, -- paid through WeChat
  refunded_fen BIGINT NOT NULL, -- given back so far, of both
  consignee VARCHAR(60) NOT NULL,
  phone_sealed VARCHAR(255) NOT NULL,
  address_sealed VARCHAR(1200) NOT NULL,
  note VARCHAR(200) NOT NULL,
  placed_at DATETIME NOT NULL,
  paid_at DATETIME NULL,
  completed_at DATETIME NULL,
  cancelled_at DATETIME NULL,
  cancel_reason VARCHAR(200) NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS orders_no ON orders (order_no);
CREATE INDEX IF NOT EXISTS orders_person ON orders (person_id, id);
CREATE INDEX IF NOT EXISTS orders_union_paid ON orders (union_id, year, paid_at, channel_id, allowance_fen, wechat_fen);
CREATE INDEX IF NOT EXISTS orders_status ON orders (status, id);

-- One SKU of an order, priced as it was.
CREATE TABLE IF NOT EXISTS order_lines (
  id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  parcel_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  sku_id BIGINT NOT NULL,
  region_id BIGINT NOT NULL,
  product_name VARCHAR(120) NOT NULL,
  spec VARCHAR(80) NOT NULL,
  price_fen BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL, -- price times quantity
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS order_lines_sku ON order_lines (order_id, sku_id);
CREATE INDEX IF NOT EXISTS order_lines_parcel ON order_lines (parcel_id);
CREATE INDEX IF NOT EXISTS order_lines_by_sku ON order_lines (sku_id, id);

-- One supplier's part of an order.
CREATE TABLE IF NOT EXISTS parcels (
  id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  status VARCHAR(16) NOT NULL, -- waiting | shipped | received | cancelled
  carrier VARCHAR(40) NOT NULL,
  tracking_no VARCHAR(40) NOT NULL,
  shipped_at DATETIME NULL,
  received_at DATETIME NULL,
  received_by VARCHAR(16) NOT NULL, -- member | clock
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS parcels_supplier ON parcels (order_id, supplier_id);
CREATE INDEX IF NOT EXISTS parcels_work ON parcels (supplier_id, status, id);
CREATE INDEX IF NOT EXISTS parcels_shipped ON parcels (status, shipped_at);

-- Money given back for an order: one row per refund, its parts are transfers.
CREATE TABLE IF NOT EXISTS refunds (
  id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL, -- cancel (later: after_sale)
  amount_fen BIGINT NOT NULL,
  allowance_fen BIGINT NOT NULL,
  wechat_fen BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  refunded_at DATETIME NOT NULL, -- when the money went back: the form counts it then
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (order_id);
CREATE INDEX IF NOT EXISTS refunds_union ON refunds (union_id, refunded_at);

-- A write that moves money, remembered with its answer: same key, same effect, once.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  actor VARCHAR(40) NOT NULL, -- "person:1", "staff:2"
  idem_key VARCHAR(64) NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  response TEXT NOT NULL, -- JSON, as answered
  created_at DATETIME NOT NULL,
  PRIMARY KEY (actor, idem_key)
);

-- A union's filled statistics form for a period.
CREATE TABLE IF NOT EXISTS statements (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  union_name VARCHAR(120) NOT NULL, -- as it was called when it submitted
  period_id BIGINT NOT NULL,
  version INT NOT NULL, -- 1, 2 …: a returned form is followed by the next version
  status VARCHAR(16) NOT NULL, -- submitted | returned
  filler VARCHAR(60) NOT NULL, -- 填报人
  filler_phone_sealed VARCHAR(255) NOT NULL, -- 联系电话
  as_of DATETIME NOT NULL, -- figures include what was paid or refunded before this moment
  submitted_by BIGINT NOT NULL,
  submitted_at DATETIME NOT NULL,
  returned_by BIGINT NULL,
  returned_at DATETIME NULL,
  return_reason VARCHAR(200) NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS statements_version ON statements (union_id, period_id, version);
CREATE INDEX IF NOT EXISTS statements_period ON statements (period_id, status, union_id);

-- The frozen figures of a submitted form.
CREATE TABLE IF NOT EXISTS statement_rows (
  statement_id BIGINT NOT NULL,
  row_no INT NOT NULL, -- 1 to 8
  person_times BIGINT NOT NULL, -- 人次
  amount_fen BIGINT NOT NULL, -- 消费总金额, net of refunds
  invested_fen BIGINT NOT NULL, -- 投入总额度: what was issued
  PRIMARY KEY (statement_id, row_no)
);

-- Which unions a submitted form counts, each up to its own moment: nothing is counted twice.
CREATE TABLE IF NOT EXISTS statement_parts (
  statement_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  as_of DATETIME NOT NULL,
  source_statement_id BIGINT NULL, -- the union's own or its federation's submitted form; NULL: counted as it stood
  PRIMARY KEY (statement_id, union_id)
);

-- Who did what to what, written in the transaction it tells of; never changed, never deleted.
CREATE TABLE IF NOT EXISTS audit_entries (
  id BIGINT NOT NULL,
  at DATETIME NOT NULL,
  actor VARCHAR(40) NOT NULL, -- "staff:1", "person:2", "account:3", "clock"
  action VARCHAR(60) NOT NULL, -- e.g. grant.approve
  object VARCHAR(60) NOT NULL, -- e.g. grant:123
  union_id BIGINT NULL, -- the union concerned, for scope
  detail TEXT NOT NULL, -- JSON, no personal data
  request_id VARCHAR(40) NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS audit_entries_union ON audit_entries (union_id, id);
CREATE INDEX IF NOT EXISTS audit_entries_object ON audit_entries (object, id);

-- Work that goes on after a request: claimed by one process under a lease, resumed by another if it dies.
CREATE TABLE IF NOT EXISTS jobs (
  id BIGINT NOT NULL,
  kind VARCHAR(32) NOT NULL,
  subject_id BIGINT NOT NULL,
  status VARCHAR(16) NOT NULL, -- queued | running | done | failed
  attempts INT NOT NULL,
  run_at DATETIME NOT NULL, -- not before
  holder VARCHAR(40) NOT NULL,
  lease_until DATETIME NULL,
  error VARCHAR(500) NOT NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_subject ON jobs (kind, subject_id);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (status, run_at);

-- Names held by one process for a while: id nodes, scheduled work.
CREATE TABLE IF NOT EXISTS leases (
  name VARCHAR(60) NOT NULL,
  holder VARCHAR(40) NOT NULL,
  until_at DATETIME NOT NULL,
  PRIMARY KEY (name)
);

-- What is true of this installation as a whole, such as which hash key its data was made with.
CREATE TABLE IF NOT EXISTS installation (
  name VARCHAR(60) NOT NULL,
  value VARCHAR(200) NOT NULL,
  PRIMARY KEY (name)
);

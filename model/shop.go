package model

import "time"

// Channel is a recognised place to buy.
type Channel struct {
	ID        ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	Level     string    `gorm:"column:level"` // province | city | unit
	No        string    `gorm:"column:no"`    // number in the notice's list
	Name      string    `gorm:"column:name"`
	Operator  string    `gorm:"column:operator"`
	URL       string    `gorm:"column:url"`
	FormRow   int       `gorm:"column:form_row"` // row of the statistics form, 1 to 8
	Status    string    `gorm:"column:status"`   // active | closed
	CreatedAt time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Channel) TableName() string { return "channels" }

// Region is a place that products come from, and whether the city is paired with it for assistance.
type Region struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	Name        string    `gorm:"column:name"`
	Province    string    `gorm:"column:province"`
	Paired      bool      `gorm:"column:paired"`
	PairingNote string    `gorm:"column:pairing_note"` // shown to members: why it comes first
	Status      string    `gorm:"column:status"`       // active | closed
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Region) TableName() string { return "regions" }

// Supplier sells products through the shop.
type Supplier struct {
	ID                 ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	Name               string    `gorm:"column:name"`
	CreditCode         string    `gorm:"column:credit_code"` // 统一社会信用代码
	Contact            string    `gorm:"column:contact"`
	ContactPhoneSealed string    `gorm:"column:contact_phone_sealed"`
	Status             string    `gorm:"column:status"` // active | suspended
	SuspendReason      string    `gorm:"column:suspend_reason"`
	CreatedAt          time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt          time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Supplier) TableName() string { return "suppliers" }

// Certificate is a supplier's licence or a product's certificate, with its validity.
type Certificate struct {
	ID         ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	SupplierID ID        `gorm:"column:supplier_id"`
	ProductID  *ID       `gorm:"column:product_id"` // NULL: the supplier's own licence
	Kind       string    `gorm:"column:kind"`       // business_licence | food_licence | assistance_product
	Number     string    `gorm:"column:number"`
	Issuer     string    `gorm:"column:issuer"`
	ValidFrom  Date      `gorm:"column:valid_from"`  // China date, inclusive
	ValidUntil Date      `gorm:"column:valid_until"` // China date, inclusive
	FileID     *ID       `gorm:"column:file_id"`
	Status     string    `gorm:"column:status"` // active | withdrawn
	CreatedAt  time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt  time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Certificate) TableName() string { return "certificates" }

// Product is what a supplier offers, in one or more SKUs.
type Product struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	SupplierID  ID        `gorm:"column:supplier_id"`
	RegionID    ID        `gorm:"column:region_id"`
	Name        string    `gorm:"column:name"`
	Category    string    `gorm:"column:category"`
	Description string    `gorm:"column:description"`
	Status      string    `gorm:"column:status"` // draft | on | off
	OffReason   string    `gorm:"column:off_reason"`
	SoldCount   int64     `gorm:"column:sold_count"`    // shown and sorted by; counted from orders now and then, never relied upon
	MinPriceFen Fen       `gorm:"column:min_price_fen"` // lowest price among its SKUs on sale, for sorting
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Product) TableName() string { return "products" }

// ProductPicture puts a picture at a place in a product's gallery.
type ProductPicture struct {
	ProductID ID  `gorm:"column:product_id;primaryKey;autoIncrement:false"`
	Seq       int `gorm:"column:seq;primaryKey;autoIncrement:false"`
	FileID    ID  `gorm:"column:file_id"`
}

// TableName implements gorm's Tabler.
func (ProductPicture) TableName() string { return "product_pictures" }

// SKU is one size of a product with its price.
type SKU struct {
	ID        ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	ProductID ID        `gorm:"column:product_id"`
	Spec      string    `gorm:"column:spec"` // e.g. 5kg/箱
	PriceFen  Fen       `gorm:"column:price_fen"`
	Status    string    `gorm:"column:status"` // on | off
	CreatedAt time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (SKU) TableName() string { return "skus" }

// Stock is what can be sold of a SKU now; a row of its own because checkout locks it.
type Stock struct {
	SKUID     ID        `gorm:"column:sku_id;primaryKey;autoIncrement:false"`
	OnHand    int64     `gorm:"column:on_hand"`
	UpdatedAt time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Stock) TableName() string { return "stocks" }

// StockMovement is one movement of stock; on_hand is their sum. Never changed, never deleted.
type StockMovement struct {
	ID       ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	SKUID    ID        `gorm:"column:sku_id"`
	Kind     string    `gorm:"column:kind"`     // receive | sell | return | adjust
	Cause    string    `gorm:"column:cause"`    // unique within the kind: "line:123"
	Quantity int64     `gorm:"column:quantity"` // signed: sells are negative
	Note     string    `gorm:"column:note" default0:"y"`
	Actor    string    `gorm:"column:actor"`
	At       time.Time `gorm:"column:at"`
}

// TableName implements gorm's Tabler.
func (StockMovement) TableName() string { return "stock_movements" }

// File is a stored picture or document; the bytes are in the file store.
type File struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	StoreKey    string    `gorm:"column:store_key"`
	Kind        string    `gorm:"column:kind"` // picture | evidence | certificate | roster | grant | invoice
	Name        string    `gorm:"column:name"`
	ContentType string    `gorm:"column:content_type"`
	Size        int64     `gorm:"column:size"` // bytes
	SHA256      string    `gorm:"column:sha256"`
	UnionID     *ID       `gorm:"column:union_id"`    // whose it is: a union's …
	SupplierID  *ID       `gorm:"column:supplier_id"` // … or a supplier's
	CreatedBy   ID        `gorm:"column:created_by"`
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
}

// TableName implements gorm's Tabler.
func (File) TableName() string { return "files" }

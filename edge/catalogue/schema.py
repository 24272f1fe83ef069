"""The catalogue file: SQLite, written once, renamed into place, then only read."""

from __future__ import annotations

FILE_NAME = "catalogue.sqlite"
APPLICATION_ID = 0x53474154  # "SGAT"
FORMAT = 1
"""`PRAGMA user_version`; a file of another format is not opened, it is imported anew."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- id is the order of answers: see place() of build.py
CREATE TABLE product (
  id INTEGER PRIMARY KEY,
  gtin TEXT NOT NULL, name_zh TEXT NOT NULL, price_fen INTEGER NOT NULL,
  sku TEXT NOT NULL, name_en TEXT NOT NULL, brand TEXT NOT NULL, category TEXT NOT NULL,
  member_price_fen INTEGER, unit TEXT NOT NULL, stock INTEGER, shelf TEXT NOT NULL, image TEXT NOT NULL,
  priced_at_ms INTEGER NOT NULL,
  keywords TEXT NOT NULL,   -- JSON list
  item TEXT NOT NULL,       -- item number inside the shop's own barcodes, without leading zeros, or empty
  backwards TEXT NOT NULL,  -- the GTIN from its last digit: people type the end of a barcode
  spoken TEXT NOT NULL      -- syllables of name_zh
);
-- the tokens of edge/catalogue/tokens.py: no positions, no content, prefixes of one to five letters ready-made
CREATE VIRTUAL TABLE token USING fts5(
  t, content='', detail=none, columnsize=0, prefix='1 2 3 4 5', tokenize="ascii tokenchars '._%'"
);
CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL, spelling TEXT NOT NULL, initials TEXT NOT NULL,
  sound TEXT NOT NULL, weight INTEGER NOT NULL);
CREATE TABLE near (key INTEGER NOT NULL, word INTEGER NOT NULL, PRIMARY KEY (key, word)) WITHOUT ROWID;
CREATE TABLE reading (character TEXT PRIMARY KEY, spoken TEXT NOT NULL) WITHOUT ROWID;
"""
INDEXES = """
CREATE UNIQUE INDEX IF NOT EXISTS product_gtin ON product (gtin);
CREATE INDEX IF NOT EXISTS product_sku ON product (sku) WHERE sku != '';
CREATE UNIQUE INDEX IF NOT EXISTS product_item ON product (item) WHERE item != '';
CREATE INDEX IF NOT EXISTS product_backwards ON product (backwards);
CREATE INDEX IF NOT EXISTS product_category ON product (category, price_fen);
CREATE INDEX IF NOT EXISTS word_spelling ON word (spelling);
CREATE INDEX IF NOT EXISTS word_initials ON word (initials) WHERE initials != '';
CREATE INDEX IF NOT EXISTS word_text ON word (text);
"""
COLUMNS = (
    "gtin", "name_zh", "price_fen", "sku", "name_en", "brand", "category", "member_price_fen", "unit", "stock",
    "shelf", "image", "priced_at_ms",
)  # fmt: skip
"""Of `product`, in the order of Product's fields."""

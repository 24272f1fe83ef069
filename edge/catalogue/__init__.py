"""Products: imported whole by a process of its own, searched by kiosks in milliseconds, never written in between.

Words of a name and words of a query are made by the same code (`words`, `tokens`); an answer's order is the order of
rows in the file, so the first hits are the best hits and a search never sorts. pypinyin stays in the importer's
process: nothing that `Catalogue` imports may import `readings`, `build` or `worker`.
"""

from edge.catalogue.desk import CatalogueDesk
from edge.catalogue.importer import import_file
from edge.catalogue.product import CatalogueInfo, Found, Product, Row
from edge.catalogue.schema import FILE_NAME
from edge.catalogue.search import Catalogue

__all__ = ["FILE_NAME", "Catalogue", "CatalogueDesk", "CatalogueInfo", "Found", "Product", "Row", "import_file"]

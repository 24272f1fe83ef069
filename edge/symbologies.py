"""Names of the symbologies that a camera can be told to read."""

CAMERA = (
    "EAN-13", "EAN-8", "UPC-A", "UPC-E", "Code 128", "Code 39", "Code 93", "ITF", "Codabar", "DataBar",
    "DataBar Limited", "DataBar Expanded", "QR Code", "Micro QR Code", "rMQR Code", "Data Matrix", "Aztec", "PDF417",
    "MicroPDF417", "MaxiCode",
)  # fmt: skip
"""As in devices/scanners/decode.py, whose library is an extra; a test holds one to the other."""

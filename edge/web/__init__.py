"""The gateway's three web listeners: guest, shop and admin.

`app.py` opens a listener and mounts the routes it is given; it knows no part. A part is a folder with its routes,
`words.toml` (every text in zh-CN and English), `templates/` and what it needs to answer. No part imports another.
Never here: a rule of the shop (that is `edge.store`), inline script or style, a framework, a build step.
"""

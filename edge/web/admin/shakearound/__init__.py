"""WeChat's shake-around API on the shop's own gateway: `/shakearound/*` with its fields and error codes.

Code that merchants wrote for api.weixin.qq.com moves by changing the host. `codes` are the errors, `fields` reads
bodies as leniently as SDKs write them, `call` is what every call has in common, `tokens` who may call; each other file
is one part of the API, and `build` mounts them. docs/shakearound.md lists the calls and where they differ.
"""

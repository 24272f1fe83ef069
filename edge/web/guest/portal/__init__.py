"""What guests of the Wi-Fi meet: the redirect of strangers, the splash page, the ways in, the welcome page.

The composition root builds one `front.Front` and mounts

    captive.middleware(front)   as the guest listener's first one (`listen(..., first=[...])`)
    build.routes(front)         beside wallet.routes(..., home=False), whose `/` this replaces

Fields of the form that `POST /portal/accept` takes: `way` (a word of Way; `auto`: told by what is filled in), `token`,
`consent` (policy and version), `marketing` (`yes` or nothing), and of the way itself: `voucher`; `number`, then `code`
(SMS); `staff`.
"""

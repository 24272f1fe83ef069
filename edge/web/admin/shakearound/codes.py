"""WeChat's error codes, as far as a gateway can mean them."""

from __future__ import annotations

from enum import IntEnum

from edge.errors import StoregateError


class Code(IntEnum):
    BUSY = -1
    CREDENTIAL = 40001
    GRANT_TYPE = 40002
    URL = 40066
    APP_SECRET = 40125
    NOT_POSTED = 43002
    TOO_OFTEN = 45009
    BODY = 9001001
    REMOTE = 9001002
    """Here: the gateway's disk takes nothing new."""
    TICKET = 9001003
    UPLOAD_MISSING = 9001007
    UPLOAD_KIND = 9001008
    UPLOAD_SIZE = 9001009
    UPLOAD_FAILED = 9001010
    QUANTITY = 9001022
    TOO_MANY_DEVICES = 9001024
    DEVICE = 9001025
    PAGE = 9001026
    PAGE_FIELDS = 9001027
    TOO_MANY_DELETED = 9001028
    PAGE_BOUND = 9001029
    TOO_MANY_PAGES = 9001030
    DATES = 9001031
    BINDING = 9001032
    POI = 9001033
    COMMENT = 9001034
    APPLICATION = 9001035
    BEGIN = 9001036
    PAGES_ON_DEVICE = 9001037
    QUOTA = 9001038
    CONTACT_NAME = 9001039
    CONTACT_PHONE = 9001040
    CONTACT_EMAIL = 9001041
    APPLY_REASON = 9001045
    APPLY_ID = 9001047
    GROUPS = 9001050
    GROUP_FULL = 9001051
    GROUP_ADD = 9001052
    GROUP_REMOVE = 9001053
    GROUP_NOT_EMPTY = 9001054
    GROUP_NAME = 9001055
    NOT_IN_GROUP = 9001056
    GROUP = 9001058
    LOGO = 9001059
    LOTTERY = 9001060
    LOTTERY_SWITCH = 9001069
    LOTTERY_ID = 9001070
    TICKETS = 9001072
    TICKETS_OVER_TOTAL = 9001075
    TICKETS_WRONG = 9001090
    LOTTERY_OVER = 9001091


class CallError(StoregateError):
    """Ends a call with a code and words; the HTTP status stays 200, as WeChat's does."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code

"""A passport drawn on one sheet. Needs the extra `images`."""

from fashquick_client.passport_sheet.photo import SheetPhoto
from fashquick_client.passport_sheet.sheet import make_passport_sheet

__all__ = ["SheetPhoto", "make_passport_sheet"]

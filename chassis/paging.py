"""Pages of lists: how many rows, and the two ways in which a client asks for a page wrongly.

A page begins behind a key and never at an offset; what its token holds is each list's own business.
"""

from __future__ import annotations

from chassis.errors import InvalidArgument


class PageTokenMalformed(InvalidArgument):
    """The page token was not made by this list."""

    reason = "PAGE_TOKEN_MALFORMED"
    vi = "Mã trang không hợp lệ; hãy tải lại danh sách từ đầu."

    def __init__(self) -> None:
        super().__init__("Repeat the token of the page before, unchanged.", field="page_token")


class PageSizeOutOfRange(InvalidArgument):
    """A page has fewer or more rows than this list gives."""

    reason = "PAGE_SIZE_OUT_OF_RANGE"
    vi = "Số dòng mỗi trang ngoài giới hạn; gửi 0 để dùng số mặc định."

    def __init__(self, max_count: int) -> None:
        super().__init__("Send 0 for the default, or 1 to max_count.", field="page_size", max_count=max_count)


def page_size_of(asked: int, *, usual: int, largest: int) -> int:
    """Rows of a page: what was asked, `usual` for 0.

    Raises:
        PageSizeOutOfRange: negative, or above `largest`.
    """
    if not 0 <= asked <= largest:
        raise PageSizeOutOfRange(largest)
    return asked or usual


__all__ = ["PageSizeOutOfRange", "PageTokenMalformed", "page_size_of"]

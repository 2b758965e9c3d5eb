"""The portal's result codes with the note it sends beside each.

Source: Annex 03 of official letter 1923/BHXH-CNTT of 20 June 2024 (26 codes); the last four were only seen
in the code of hospital systems.
"""

from __future__ import annotations

NOTES: dict[str, str] = {
    "000": "Thông tin thẻ chính xác",
    "001": "Thẻ do BHXH Bộ Quốc phòng quản lý, đề nghị kiểm tra thẻ và thông tin giấy tờ tùy thân",
    "002": "Thẻ do BHXH Bộ Công an quản lý, đề nghị kiểm tra thẻ và thông tin giấy tờ tùy thân",
    "003": "Thẻ cũ hết giá trị sử dụng nhưng đã được cấp thẻ mới",
    "004": "Thẻ cũ còn giá trị sử dụng nhưng đã được cấp thẻ mới",
    "010": "Thẻ hết giá trị sử dụng",
    "050": "Không thấy thông tin thẻ BHYT",
    "051": "Mã thẻ không đúng",
    "052": "Mã tỉnh cấp thẻ (ký tự thứ 4, 5 của mã thẻ) không đúng",
    "053": "Mã quyền lợi thẻ (ký tự thứ 3 của mã thẻ) không đúng",
    "054": "Số căn cước của cán bộ không có trong danh sách đăng ký của cơ sở",
    "055": "Họ tên cán bộ không đúng với số căn cước đã đăng ký",
    "060": "Thẻ sai họ tên",
    "061": "Thẻ sai họ tên (đúng ký tự đầu)",
    "070": "Thẻ sai ngày sinh",
    "100": "Lỗi khi lấy dữ liệu sổ thẻ",
    "101": "Lỗi máy chủ",
    "110": "Thẻ đã thu hồi",
    "120": "Thẻ đã báo giảm",
    "121": "Thẻ đã báo giảm, giảm chuyển ngoại tỉnh",
    "122": "Thẻ đã báo giảm, giảm chuyển nội tỉnh",
    "123": "Thẻ đã báo giảm, thu hồi do tăng lại cùng đơn vị",
    "124": "Thẻ đã báo giảm, ngừng tham gia",
    "130": "Trẻ em không xuất trình thẻ",
    "205": "Lỗi sai định dạng tham số",
    "401": "Lỗi xác thực tài khoản",
    "090": "",
    "500": "Lỗi hệ thống",
    "501": "Token không hợp lệ",
    "999": "Token không hợp lệ",
}

WITHOUT_RECORD = frozenset(
    {
        "050",
        "051",
        "052",
        "053",
        "054",
        "055",
        "060",
        "061",
        "070",
        "100",
        "101",
        "205",
        "401",
        "500",
        "501",
        "999",
    }
)
"""Codes whose answer carries no data of a person."""

"""Names for made-up people of a northern mountain province, with how common each is.

The shares of the family names follow the well-known order (Nguyễn 38 %, Trần 11 %, Lê 9.5 %, …) with the Tày, Nùng, Dao
and Mông names of Thái Nguyên and Bắc Kạn added; middle and given names have weights that fall off by rank. Shares are
ours: no public count of the province exists, and the shipped name frequencies come from here.
"""

from __future__ import annotations

FAMILY: dict[str, float] = {
    "Nguyễn": 31.0, "Trần": 8.5, "Lê": 7.0, "Phạm": 5.5, "Hoàng": 7.5, "Vũ": 3.2, "Phan": 1.8, "Đặng": 3.0,
    "Bùi": 2.2, "Đỗ": 2.0, "Hồ": 0.5, "Ngô": 1.6, "Dương": 3.2, "Lý": 2.6, "Đinh": 0.9, "Trịnh": 0.8, "Mai": 0.5,
    "Đào": 0.9, "Tạ": 0.6, "Lưu": 0.8, "Nông": 4.2, "Ma": 2.1, "Hà": 2.0, "Lường": 0.9, "Triệu": 2.2, "Bàn": 0.9,
    "Giàng": 0.5, "Lầu": 0.25, "Sùng": 0.25, "Vừ": 0.12, "Lâm": 0.9, "Chu": 0.9, "La": 0.5, "Lục": 0.5, "Bế": 0.35,
    "Đàm": 0.9, "Hứa": 0.6, "Mông": 0.2, "Long": 0.15, "Trương": 1.0, "Tô": 0.4, "Cao": 0.5, "Đoàn": 0.5,
    "Thào": 0.1, "Phùng": 0.5, "Âu": 0.08, "Sằm": 0.06, "Vy": 0.12, "Chảo": 0.05, "Tẩn": 0.05,
}  # fmt: skip

MIDDLE: dict[str, dict[str, float]] = {
    "female": {
        "Thị": 46, "Thị Thu": 4, "Thị Kim": 2.5, "Thị Thanh": 3.5, "Thị Minh": 2, "Thị Ngọc": 2.5, "Ngọc": 4,
        "Thanh": 3, "Thu": 2.5, "Minh": 2.5, "Phương": 3, "Bảo": 2, "Khánh": 2, "Quỳnh": 1.5, "Thùy": 2, "Hồng": 2,
        "Hoài": 1.2, "Diệu": 1, "Mai": 1.2, "Thị Hồng": 2.5, "Thị Bích": 1.5, "Thị Thùy": 1.5, "Hải": 0.8, "Kiều": 0.6,
        "Gia": 0.6, "Tuệ": 0.5, "Mùi": 0.3, "A": 0.2, "Thị Lan": 0.7, "Lan": 0.6,
    },
    "male": {
        "Văn": 36, "Đức": 6, "Minh": 5, "Quang": 4.5, "Hữu": 3, "Xuân": 2.8, "Ngọc": 3, "Đình": 3, "Công": 2,
        "Thanh": 2.2,
        "Tuấn": 2, "Mạnh": 2, "Anh": 1.5, "Quốc": 2.2, "Trung": 1.5, "Hoàng": 2.2, "Gia": 1.2, "Bảo": 1.2, "Thế": 1.5,
        "Trọng": 1.2, "Duy": 1.5, "Viết": 0.8, "Tiến": 1.2, "Khánh": 0.6, "Việt": 0.8, "A": 1.0, "Đăng": 0.8,
        "Hồng": 0.8, "Bá": 0.7, "Nhật": 0.6,
    },
}  # fmt: skip

_GIVEN_FEMALE = (
    "Hương Lan Hoa Hà Thảo Trang Linh Hằng Huyền Nga Thủy Anh Hạnh Nhung Mai Phương Yến Hiền Thúy Dung Loan Hồng Ngọc "
    "Thu Vân Oanh Tuyết Liên Bình Tâm Nhàn Thơm Xuân Hường Hòa Huệ Lý Chi My Ngân Quỳnh Trinh Hoài Duyên Giang Tươi "
    "Nguyệt Cúc Lương Thắm Én Sen Đào Mận Vy Nhi Châu Trâm Uyên Thương Hảo Bích Thoa Lụa Gấm Mùi Pham Dợ Mỷ Say Sinh "
    "Ly Quyên Hậu Hợi Tý Dần Thìn Bông Nhài Điệp Thanh Diệp Khuyên Na Lanh Luyến Ánh Kiều Nương Thục Vinh Sáng Chín Lân"
)
_GIVEN_MALE = (
    "Hùng Tuấn Dũng Anh Nam Minh Hải Cường Sơn Long Thắng Đức Hiếu Quân Trung Hoàng Tùng Kiên Thành Toàn Huy Duy Việt "
    "Mạnh Phong Bình Hưng Tú Lâm Khánh Phúc Chiến Quang Thái Hà Vinh Đạt Tiến Trường Công Hòa Tài Hậu Nghĩa Định Chung "
    "Khoa Bảo Đông Xuân Thịnh Linh Giang An Ngọc Quý Sáng Tân Thiện Văn Lợi Khang Nguyên Vũ Luân Điệp Bằng Cảnh Đoàn "
    "Lộc Lực Ninh Oai Sinh Sìn Páo Dơ Chứ Tỏa Vừ Sèng Phử Mình Khôi Bách Kỳ Tuân Thường Thiệu Thuận Dương Đại Hiển "
    "Hoạt Mùi"
)
_FALL_OFF = 0.75
"""Exponent by which a given name's share falls with its rank."""


def _ranked(names: str) -> dict[str, float]:
    return {name: 1 / (rank + 3) ** _FALL_OFF for rank, name in enumerate(dict.fromkeys(names.split()))}


GIVEN: dict[str, dict[str, float]] = {"female": _ranked(_GIVEN_FEMALE), "male": _ranked(_GIVEN_MALE)}

I_OR_Y = (
    ("Lý", "Lí"),
    ("Quý", "Quí"),
    ("Mỷ", "Mỉ"),
    ("Kỳ", "Kì"),
    ("My", "Mi"),
    ("Quỳnh", "Quình"),
    ("Thùy", "Thuỳ"),
)
"""Words with a second spelling."""
DIALECT = (
    ("Sơn", "Xơn"),
    ("Trang", "Chang"),
    ("Giang", "Dang"),
    ("Nam", "Lam"),
    ("Sinh", "Xinh"),
    ("Trinh", "Chinh"),
)
"""Words as a dialect's ear writes them; some are other people's names as well."""
TONE_PLACE = (
    ("Hòa", "Hoà"),
    ("Thúy", "Thuý"),
    ("Thủy", "Thuỷ"),
    ("Thùy", "Thuỳ"),
    ("Tỏa", "Toả"),
    ("Thoa", "Thoa"),
)
"""Words whose tone mark has two places."""

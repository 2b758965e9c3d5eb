"""What can be wrong with a text that claims to be in a published format: one class for one reason.

    ValueError
    └── FormatError
        ├── citizen_number   LetterInNumber, NotTwelveDigits, OldNumberNotNineDigits
        ├── card_qr          NotACardQr, CardQrTruncated, CardQrTooLong, CardQrFieldEmpty, ImpossibleDate,
        │                    GenderUnreadable
        ├── scanner_text     ScannerLayoutWrong, ScannerImeOn
        ├── insurance_qr     NotAnInsuranceQr, InsuranceQrTruncated, InsuranceQrTooLong, InsuranceQrUnreadable
        ├── icao             the classes of standards.icao.errors
        ├── insurance_card   InsuranceNumberLength, InsuranceNumberForm, BenefitLevelUnknown
        ├── admin_units      WardCodeUnknown, ProvinceCodeUnknown, AddressTooLong
        ├── names            NameTooLong
        ├── vietqr           VietQrBadStructure, VietQrWrongCrc, NotAVietQr, VietQrUnknownBank,
        │                    VietQrAmountOutOfRange, VietQrTextTooLong
        ├── trace_code       TraceCodeMistyped
        └── facility_code    FacilityCodeForm

No message holds the text that was refused: it may be a citizen number or a name. What a program may want to
know (a count, a tag path, a limit) stands in `facts`.
"""

from typing import ClassVar


class FormatError(ValueError):
    """The text is not in the format it claims to be in; the classes below tell why.

    Every class can be built without arguments and gives `.reason`, `.vi`, `.field`, `.facts` and `str()`.
    """

    reason: ClassVar[str] = "FORMAT_INVALID"
    """Stable UPPER_SNAKE name of what went wrong; never changes."""
    en: ClassVar[str] = (
        "The text is not in the expected format; check it against the paper and enter it again."
    )
    """What to do, in English; may change. Equals `str(error)`."""
    vi: ClassVar[str] = "Dữ liệu không đúng định dạng; hãy đối chiếu với giấy tờ và nhập lại."
    """What to do, in Vietnamese, one sentence for a clerk; may change."""
    default_field: ClassVar[str] = "text"
    """The field that is meant when the caller names none."""

    def __init__(self, field: str | None = None, **facts: int | str) -> None:
        """Say which field is wrong and state facts that hold no personal value.

        Args:
            field: Name of the field as the caller's user knows it; `default_field` if not given.
            facts: Counts, limits, tag paths; never the text itself.
        """
        super().__init__(self.en)
        self.field: str = field or self.default_field
        self.facts: dict[str, int | str] = dict(facts)


class LetterInNumber(FormatError):
    """A number that is made of digits alone holds another character."""

    reason = "LETTER_IN_NUMBER"
    en = "The number holds something other than digits; enter digits only."
    vi = "Số có ký tự không phải chữ số; hãy chỉ nhập chữ số."
    default_field = "personal_number"


class NotTwelveDigits(FormatError):
    """A personal number has 12 digits. Facts: digit_count."""

    reason = "NOT_TWELVE_DIGITS"
    en = "A personal number has 12 digits; read it again from the card."
    vi = "Số định danh cá nhân phải có đủ 12 chữ số; hãy đọc lại trên thẻ."
    default_field = "personal_number"


class OldNumberNotNineDigits(FormatError):
    """An old identity card number (CMND) has 9 digits. Facts: digit_count."""

    reason = "OLD_NUMBER_NOT_NINE_DIGITS"
    en = "An old identity card number has 9 digits; read it again or leave it empty."
    vi = "Số chứng minh nhân dân cũ phải có 9 chữ số; hãy đọc lại hoặc để trống."
    default_field = "old_number"


class NotACardQr(FormatError):
    """The scanned text is something else: a web address, an insurance paper, a payment code."""

    reason = "NOT_A_CARD_QR"
    en = "This is not the QR code of a citizen card; scan the code on the citizen card."
    vi = "Đây không phải mã QR của thẻ căn cước; hãy quét mã trên thẻ căn cước."
    default_field = "card_qr"


class CardQrTruncated(FormatError):
    """The text begins like a card's QR and ends too early. Facts: field_count."""

    reason = "CARD_QR_TRUNCATED"
    en = "The QR text ends too early; scan the card again, slowly, or check the scanner's settings."
    vi = "Nội dung mã QR bị thiếu; hãy quét lại chậm hơn hoặc kiểm tra đầu đọc."
    default_field = "card_qr"


class CardQrTooLong(FormatError):
    """The text is longer than any card's QR can hold. Facts: limit_chars."""

    reason = "CARD_QR_TOO_LONG"
    en = "The QR text is longer than a citizen card can hold; two scans may have run together, scan once."
    vi = "Nội dung mã QR dài quá mức; có thể hai lần quét bị dính nhau, hãy quét lại một lần."
    default_field = "card_qr"


class CardQrFieldEmpty(FormatError):
    """A field that every card has is empty; `field` names it."""

    reason = "CARD_QR_FIELD_EMPTY"
    en = (
        "A field that every citizen card has is empty in the QR text; "
        "scan again or type the data from the card."
    )
    vi = "Mã QR thiếu một trường bắt buộc; hãy quét lại hoặc nhập theo thẻ."
    default_field = "card_qr"


class ImpossibleDate(FormatError):
    """A date field is not a day of the calendar in the form ddMMyyyy; `field` names it."""

    reason = "IMPOSSIBLE_DATE"
    en = "The date is not a day of the calendar; read it again from the card."
    vi = "Ngày tháng không có thật; hãy đọc lại trên thẻ."
    default_field = "birth_date"


class GenderUnreadable(FormatError):
    """The gender field is neither Nam nor Nữ."""

    reason = "GENDER_UNREADABLE"
    en = "The gender on the card could not be read; scan again or choose it by hand."
    vi = "Không đọc được giới tính trên thẻ; hãy quét lại hoặc chọn bằng tay."
    default_field = "gender"


class ScannerLayoutWrong(FormatError):
    """A scanner that types like a keyboard met another keyboard layout, and the text cannot be told for sure."""

    reason = "SCANNER_LAYOUT_WRONG"
    en = "The keyboard layout changes what the scanner types; switch it to English (US) and scan again."
    vi = "Bố cục bàn phím làm sai nội dung quét; hãy chuyển sang bàn phím tiếng Anh (US) rồi quét lại."
    default_field = "card_qr"


class ScannerImeOn(FormatError):
    """A Vietnamese input method (Telex, VNI) turned letters and digits of the scan into accented letters."""

    reason = "SCANNER_IME_ON"
    en = "Vietnamese typing is on and changes what the scanner types; switch it off (E) and scan again."
    vi = "Bộ gõ tiếng Việt đang bật làm sai nội dung quét; hãy tắt bộ gõ (chế độ E) rồi quét lại."
    default_field = "card_qr"


class NotAnInsuranceQr(FormatError):
    """The scanned text is something else than the code of a paper insurance card."""

    reason = "NOT_AN_INSURANCE_QR"
    en = "This is not the QR code of a health insurance card; scan the code on the insurance card."
    vi = "Đây không phải mã QR của thẻ bảo hiểm y tế; hãy quét mã trên thẻ bảo hiểm y tế."
    default_field = "insurance_qr"


class InsuranceQrTruncated(FormatError):
    """The text begins like an insurance card's QR and ends too early. Facts: field_count."""

    reason = "INSURANCE_QR_TRUNCATED"
    en = "The text of the insurance card's code ends too early; scan it again or type the number."
    vi = "Nội dung mã QR trên thẻ bảo hiểm y tế bị thiếu; hãy quét lại hoặc nhập số thẻ."
    default_field = "insurance_qr"


class InsuranceQrTooLong(FormatError):
    """The text is longer than an insurance card's QR can hold. Facts: limit_chars."""

    reason = "INSURANCE_QR_TOO_LONG"
    en = "The text is longer than the code of an insurance card; scan it once only."
    vi = "Nội dung quét dài quá mức của thẻ bảo hiểm y tế; hãy quét lại một lần."
    default_field = "insurance_qr"


class InsuranceQrUnreadable(FormatError):
    """A field of an insurance card's QR does not have its form; `field` names it."""

    reason = "INSURANCE_QR_UNREADABLE"
    en = "A field in the insurance card's code cannot be read; scan it again or type it from the card."
    vi = "Không đọc được một trường trong mã QR của thẻ bảo hiểm y tế; hãy quét lại hoặc nhập theo thẻ."
    default_field = "insurance_qr"


class InsuranceNumberLength(FormatError):
    """A health insurance number has 10, 12 or 15 characters. Facts: char_count."""

    reason = "INSURANCE_NUMBER_LENGTH"
    en = "A health insurance number has 10, 12 or 15 characters; read it again from the card."
    vi = "Mã số bảo hiểm y tế phải có 10, 12 hoặc 15 ký tự; hãy đọc lại trên thẻ."
    default_field = "insurance_number"


class InsuranceNumberForm(FormatError):
    """The length is right and a letter or digit stands at the wrong place. Facts: kind."""

    reason = "INSURANCE_NUMBER_FORM"
    en = (
        "Letters and digits do not stand where a health insurance number has them; "
        "read it again from the card."
    )
    vi = "Chữ và số trong mã thẻ bảo hiểm y tế không đúng vị trí; hãy đọc lại trên thẻ."
    default_field = "insurance_number"


class BenefitLevelUnknown(FormatError):
    """The third character of a 15-character card number is not 1 to 5."""

    reason = "BENEFIT_LEVEL_UNKNOWN"
    en = "The third character of the card number must be 1 to 5; read it again from the card."
    vi = "Ký tự thứ ba của mã thẻ phải từ 1 đến 5; hãy đọc lại trên thẻ."
    default_field = "insurance_number"


class WardCodeUnknown(FormatError):
    """No commune has this code in this vintage. Facts: vintage."""

    reason = "WARD_CODE_UNKNOWN"
    en = (
        "No commune has this code at that time; "
        "check the code and whether it is from before or after 1 July 2025."
    )
    vi = "Không có xã, phường nào mang mã này ở thời điểm đó; hãy kiểm tra mã và mốc 01/07/2025."
    default_field = "ward_code"


class ProvinceCodeUnknown(FormatError):
    """No province has this code in this vintage. Facts: vintage."""

    reason = "PROVINCE_CODE_UNKNOWN"
    en = (
        "No province has this code at that time; "
        "check the code and whether it is from before or after 1 July 2025."
    )
    vi = "Không có tỉnh, thành phố nào mang mã này ở thời điểm đó; hãy kiểm tra mã và mốc 01/07/2025."
    default_field = "province_code"


class AddressTooLong(FormatError):
    """The address is longer than any real one. Facts: limit_chars."""

    reason = "ADDRESS_TOO_LONG"
    en = "The address is too long; enter house, village, commune and province only."
    vi = "Địa chỉ quá dài; hãy chỉ nhập số nhà, thôn, xã và tỉnh."
    default_field = "address"


class NameTooLong(FormatError):
    """The name is longer than any real one. Facts: limit_chars."""

    reason = "NAME_TOO_LONG"
    en = "The name is too long; enter the name as printed on the card."
    vi = "Họ tên quá dài; hãy nhập đúng như trên thẻ."
    default_field = "full_name"


class VietQrBadStructure(FormatError):
    """The payload breaks the rules of the format. Facts: tag (path such as 38.01.00), rule."""

    reason = "VIETQR_BAD_STRUCTURE"
    en = "The payment code is not built by the VietQR rules; ask the payee for a new code."
    vi = "Mã thanh toán không đúng cấu trúc VietQR; hãy xin mã mới từ đơn vị nhận tiền."
    default_field = "vietqr"


class VietQrWrongCrc(FormatError):
    """The checksum does not fit the payload: it was damaged or changed."""

    reason = "VIETQR_WRONG_CRC"
    en = "The payment code's checksum is wrong: it was damaged or changed; scan again and do not pay with it."
    vi = (
        "Mã thanh toán sai mã kiểm tra, có thể bị hỏng hoặc bị sửa; "
        "hãy quét lại và không thanh toán bằng mã này."
    )
    default_field = "vietqr"


class NotAVietQr(FormatError):
    """A sound EMVCo payment code of another scheme, such as VNPAY-QR."""

    reason = "NOT_A_VIETQR"
    en = "This payment code belongs to another scheme than VietQR; use a bank transfer code."
    vi = "Mã thanh toán này không phải VietQR; hãy dùng mã chuyển khoản ngân hàng."
    default_field = "vietqr"


class VietQrUnknownBank(FormatError):
    """The bank number (BIN) to write is not in the table. Facts: as_of_date."""

    reason = "VIETQR_UNKNOWN_BANK"
    en = "The payee's bank number is not in the bank table; check the facility's account settings."
    vi = "Mã ngân hàng nhận tiền không có trong danh mục; hãy kiểm tra cấu hình tài khoản của cơ sở."
    default_field = "payee_bin"


class VietQrAmountOutOfRange(FormatError):
    """The amount of one transfer is 1 to 499,999,999 dong. Facts: limit_vnd."""

    reason = "VIETQR_AMOUNT_OUT_OF_RANGE"
    en = "One VietQR transfer carries 1 to 499,999,999 dong; split the bill into several transfers."
    vi = "Mỗi lần chuyển VietQR từ 1 đến 499.999.999 đồng; hãy chia hóa đơn thành nhiều lần chuyển."
    default_field = "amount_vnd"


class VietQrTextTooLong(FormatError):
    """A text to write does not fit its place in the payload. Facts: tag, limit_chars."""

    reason = "VIETQR_TEXT_TOO_LONG"
    en = "A text does not fit into the payment code; shorten it."
    vi = "Nội dung không vừa trong mã thanh toán; hãy rút ngắn."
    default_field = "vietqr"


class TraceCodeMistyped(FormatError):
    """The trace code's form or check character is wrong."""

    reason = "TRACE_CODE_MISTYPED"
    en = "The trace code was mistyped; read it again from the receipt."
    vi = "Mã tra cứu bị gõ sai; hãy đọc lại trên biên lai."
    default_field = "trace_code"


class FacilityCodeForm(FormatError):
    """A facility code is two digits and three digits or capital letters."""

    reason = "FACILITY_CODE_FORM"
    en = (
        "A facility code has two digits and then three digits or capital letters; "
        "check it in the facility list."
    )
    vi = "Mã cơ sở khám chữa bệnh gồm hai chữ số và ba ký tự số hoặc chữ in hoa; hãy kiểm tra danh mục cơ sở."
    default_field = "facility_code"

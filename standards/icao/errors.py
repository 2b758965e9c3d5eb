"""What can be wrong with the bytes of a chip or the text of a machine-readable zone: one class for one reason.

    FormatError
    ├── mrz                MrzLength, MrzCharacter, MrzCheckDigitWrong, MrzImpossibleDate, MrzNumbersDiffer
    ├── der                ChipDataTooLarge, ChipDataTruncated, ChipDataTrailing, ChipLengthForm, ChipDataNesting
    ├── lds                ChipGroupTagWrong, ChipGroupMalformed
    └── security_object    SecurityObjectMalformed, ChipAlgorithmUnsupported

A chip that reads well and proves false is no error here: the verdict of standards.icao.security_object says why.
"""

from standards.errors import FormatError


class MrzLength(FormatError):
    """A machine-readable zone has 90 characters (card) or 88 (passport). Facts: char_count."""

    reason = "MRZ_LENGTH"
    en = "The machine-readable zone is incomplete; read the card or passport again."
    vi = "Vùng đọc máy (MRZ) không đủ ký tự; hãy đọc lại thẻ hoặc hộ chiếu."
    default_field = "mrz"


class MrzCharacter(FormatError):
    """A machine-readable zone holds A to Z, 0 to 9 and < only. Facts: position."""

    reason = "MRZ_CHARACTER"
    en = "The machine-readable zone holds a character that it cannot have; read it again."
    vi = "Vùng đọc máy (MRZ) có ký tự không hợp lệ; hãy đọc lại."
    default_field = "mrz"


class MrzCheckDigitWrong(FormatError):
    """A check digit does not fit its characters; `field` names what it protects."""

    reason = "MRZ_CHECK_DIGIT_WRONG"
    en = "A check digit of the machine-readable zone does not fit; read the card or passport again."
    vi = "Số kiểm tra của vùng đọc máy (MRZ) không khớp; hãy đọc lại thẻ hoặc hộ chiếu."
    default_field = "mrz"


class MrzImpossibleDate(FormatError):
    """A date in the machine-readable zone is no day of the calendar; `field` names it."""

    reason = "MRZ_IMPOSSIBLE_DATE"
    en = "A date in the machine-readable zone is no day of the calendar; read it again."
    vi = "Ngày tháng trong vùng đọc máy (MRZ) không có thật; hãy đọc lại."
    default_field = "mrz"


class MrzNumbersDiffer(FormatError):
    """The document number of a Vietnamese card is not the end of the personal number beside it."""

    reason = "MRZ_NUMBERS_DIFFER"
    en = "The two numbers in the machine-readable zone do not belong together; check the card."
    vi = "Hai số trong vùng đọc máy (MRZ) không khớp nhau; hãy kiểm tra thẻ."
    default_field = "mrz"


class ChipDataTooLarge(FormatError):
    """A file of the chip is larger than such files are. Facts: limit_bytes."""

    reason = "CHIP_DATA_TOO_LARGE"
    en = "A file from the chip is too large; check the reader."
    vi = "Tệp đọc từ chip quá lớn; hãy kiểm tra đầu đọc."
    default_field = "chip"


class ChipDataTruncated(FormatError):
    """A file of the chip ends before what it announces."""

    reason = "CHIP_DATA_TRUNCATED"
    en = "The chip was not read to the end; leave the card on the reader and read it again."
    vi = "Dữ liệu chip đọc chưa hết; hãy giữ thẻ trên đầu đọc và đọc lại."
    default_field = "chip"


class ChipDataTrailing(FormatError):
    """Bytes follow after the end of a file of the chip."""

    reason = "CHIP_DATA_TRAILING"
    en = "A file from the chip has bytes behind its end; read the card again or check the reader."
    vi = "Tệp đọc từ chip có dữ liệu thừa ở cuối; hãy đọc lại thẻ hoặc kiểm tra đầu đọc."
    default_field = "chip"


class ChipLengthForm(FormatError):
    """A length or tag is written in a form that chips never use (indefinite, not shortest)."""

    reason = "CHIP_LENGTH_FORM"
    en = "A file from the chip is not encoded as chips do; read the card again or check the reader."
    vi = "Dữ liệu chip không đúng cách mã hóa (DER); hãy đọc lại thẻ hoặc kiểm tra đầu đọc."
    default_field = "chip"


class ChipDataNesting(FormatError):
    """Elements stand inside each other deeper, or are more, than in any real file. Facts: limit."""

    reason = "CHIP_DATA_NESTING"
    en = "A file from the chip is nested as no real one is; check the card and the reader."
    vi = "Dữ liệu chip có cấu trúc bất thường; hãy kiểm tra thẻ và đầu đọc."
    default_field = "chip"


class ChipGroupTagWrong(FormatError):
    """The bytes are those of another file than the one they are sent as; `field` names it."""

    reason = "CHIP_GROUP_TAG_WRONG"
    en = "The reader sent another file of the chip than it says; check how the reader is connected."
    vi = "Đầu đọc gửi nhầm tệp của chip; hãy kiểm tra cách kết nối đầu đọc."
    default_field = "chip"


class ChipGroupMalformed(FormatError):
    """A data group does not have the content that its number says; `field` names it."""

    reason = "CHIP_GROUP_MALFORMED"
    en = "A data group of the chip cannot be read; read the card again."
    vi = "Không đọc được một nhóm dữ liệu của chip; hãy đọc lại thẻ."
    default_field = "chip"


class SecurityObjectMalformed(FormatError):
    """The security object (SOD) is not the signed data that it has to be. Facts: rule."""

    reason = "SECURITY_OBJECT_MALFORMED"
    en = "The chip's security object cannot be read; read the card again."
    vi = "Không đọc được đối tượng bảo mật (SOD) của chip; hãy đọc lại thẻ."
    default_field = "sod"


class ChipAlgorithmUnsupported(FormatError):
    """The chip is signed by an algorithm or curve that this version does not know, so nothing can be said."""

    reason = "CHIP_ALGORITHM_UNSUPPORTED"
    en = "This version cannot check the signature of this chip; scan the QR code of the card instead."
    vi = "Phiên bản này chưa kiểm tra được chữ ký của chip; hãy quét mã QR trên thẻ."
    default_field = "sod"

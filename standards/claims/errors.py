"""What can be wrong with a claim file as a whole: one class for one reason; a defect of a field is the linter's.

FormatError
└── ClaimFileError
    ├── NotAClaimFile           the root is neither GIAMDINHHS nor a table's
    ├── ClaimXmlBroken          not well-formed; facts line, column
    ├── ClaimDoctypeRefused     a document type or an entity declaration
    ├── ClaimEncodingUnknown    an encoding other than UTF-8 and UTF-16
    ├── ClaimTooLarge           bytes, depth, records, rows or text beyond the limits; fact limit
    ├── ClaimTableUnknown       LOAIHOSO or a root that no decision names
    ├── ClaimTableMisplaced     XML0 or XML12 inside GIAMDINHHS, where they may not travel
    ├── ClaimContentBroken      NOIDUNGFILE is neither base64 of a table nor a table
    ├── ClaimFieldUnknown       (writing) a row names a field that its table does not have
    ├── ClaimTextNotXml         (writing) a value holds a character that XML cannot
    ├── ClaimVersionUnknown     no known version of the tables was in force on that day
    └── ClaimSignatureBroken    (signing) the document has no place for a signature, or the key does not fit
"""

from __future__ import annotations

from standards.errors import FormatError


class ClaimFileError(FormatError):
    """The claim file cannot be read or written as a whole. Facts: table, row, line where they are known."""

    reason = "CLAIM_FILE_INVALID"
    en = "The file cannot be read as a claim file; export it again."
    vi = "Không đọc được tệp hồ sơ giám định; hãy xuất lại tệp."
    default_field = "file"


class NotAClaimFile(ClaimFileError):
    """The root element is not one of a claim file."""

    reason = "NOT_A_CLAIM_FILE"
    en = "The root element must be GIAMDINHHS or that of a claim table; choose another file."
    vi = "Thẻ gốc phải là GIAMDINHHS hoặc thẻ gốc của một bảng; hãy chọn tệp khác."


class ClaimXmlBroken(ClaimFileError):
    """The XML is not well-formed. Facts: line, column."""

    reason = "CLAIM_XML_BROKEN"
    en = "The XML is not well-formed at the line given; export the file again."
    vi = "Tệp XML bị lỗi cú pháp ở dòng được nêu; hãy xuất lại tệp."


class ClaimDoctypeRefused(ClaimFileError):
    """A document type declaration, with which XML bombs are built. Facts: line."""

    reason = "CLAIM_DOCTYPE_REFUSED"
    en = "Remove the DOCTYPE from the file: claim files need none, and attacks do."
    vi = "Hãy bỏ khai báo DOCTYPE trong tệp: hồ sơ giám định không dùng khai báo này."


class ClaimEncodingUnknown(ClaimFileError):
    """The declared encoding is not UTF-8 or UTF-16."""

    reason = "CLAIM_ENCODING_UNKNOWN"
    en = "Save the file as UTF-8 and declare it so."
    vi = "Hãy lưu tệp với bảng mã UTF-8 và khai báo đúng bảng mã."


class ClaimTooLarge(ClaimFileError):
    """Something is beyond a limit. Facts: limit (its name), maximum."""

    reason = "CLAIM_TOO_LARGE"
    en = "The file passes the limit named in the facts; split it into several files."
    vi = "Tệp vượt giới hạn được nêu; hãy tách thành nhiều tệp."


class ClaimTableUnknown(ClaimFileError):
    """LOAIHOSO names no table of the decision. Facts: record, line."""

    reason = "CLAIM_TABLE_UNKNOWN"
    en = "LOAIHOSO must be XML1 to XML11 or XML13 to XML15."
    vi = "LOAIHOSO phải là XML1 đến XML11 hoặc XML13 đến XML15."
    default_field = "LOAIHOSO"


class ClaimTableMisplaced(ClaimFileError):
    """XML0 and XML12 travel through services of their own. Facts: table."""

    reason = "CLAIM_TABLE_MISPLACED"
    en = "XML0 and XML12 are sent alone, not inside GIAMDINHHS (letter 1245/BHXH-CNTT, 2024)."
    vi = "XML0 và XML12 được gửi riêng, không nằm trong GIAMDINHHS (Công văn 1245/BHXH-CNTT năm 2024)."
    default_field = "LOAIHOSO"


class ClaimContentBroken(ClaimFileError):
    """NOIDUNGFILE does not hold the table that LOAIHOSO names. Facts: table, record, line."""

    reason = "CLAIM_CONTENT_BROKEN"
    en = "NOIDUNGFILE must hold the base64 of the table's XML, or that XML itself."
    vi = "NOIDUNGFILE phải chứa mã base64 của XML của bảng, hoặc chính XML đó."
    default_field = "NOIDUNGFILE"


class ClaimFieldUnknown(ClaimFileError):
    """A row to be written names a field that its table does not have. Facts: table, row."""

    reason = "CLAIM_FIELD_UNKNOWN"
    en = "Leave the field out, or choose the version of the tables that has it."
    vi = "Hãy bỏ trường này hoặc chọn phiên bản bảng có trường này."


class ClaimTextNotXml(ClaimFileError):
    """A value holds a control character that XML cannot carry. Facts: table, row."""

    reason = "CLAIM_TEXT_NOT_XML"
    en = "Remove the control character from the value."
    vi = "Hãy xoá ký tự điều khiển trong giá trị."


class ClaimVersionUnknown(ClaimFileError):
    """No known version of the tables was in force on the day. Facts: day."""

    reason = "CLAIM_VERSION_UNKNOWN"
    en = "Tables are known for visits from 1 July 2024; check the day of the visit."
    vi = "Chỉ có chuẩn dữ liệu cho lượt khám từ 01/07/2024; hãy kiểm tra ngày khám."
    default_field = "visit_date"


class ClaimSignatureBroken(ClaimFileError):
    """The document cannot be signed."""

    reason = "CLAIM_SIGNATURE_BROKEN"
    en = "The document needs a CHUKYDONVI element and the key must be RSA with its certificate."
    vi = "Tệp cần có thẻ CHUKYDONVI, khoá ký phải là RSA kèm chứng thư số."
    default_field = "CHUKYDONVI"
